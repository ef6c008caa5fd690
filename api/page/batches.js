// The view of batches.

/** The view in a box. */
export class Batches {
  open() {}
  close() {}
  render() {}
}
