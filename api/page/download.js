// Downloads of files: fetched with the access key, saved under the name that the API gives.

/** Fetch the file of a job and save it; `progressed` is told the part that is there, 0 to 1.
 *  @throws {ApiError} the API refuses it; TypeError: the connection broke off. */
export async function download(client, job, progressed) {
  const headers = { Accept: "*/*" };
  // A redirect to the store is followed, without the access key.
  const response = await client.call("GET", job.download_url, { headers, patient: false });
  const parts = [];
  let length = 0;
  for await (const part of chunks(response.body)) {
    parts.push(part);
    length += part.byteLength;
    if (job.size_bytes) progressed(Math.min(length / job.size_bytes, 1));
  }
  const file = new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
  save(file, fileName(response.headers.get("Content-Disposition")) ?? job.file_name ?? job.job_id);
}

/** The name in a Content-Disposition header (RFC 6266), null without one. */
export function fileName(disposition) {
  const extended = /filename\*\s*=\s*utf-8''([^;]+)/i.exec(disposition ?? "");
  if (extended) {
    try {
      return decodeURIComponent(extended[1].trim());
    } catch {
      // What cannot be read is as good as absent.
    }
  }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition ?? "");
  return plain ? (plain[1]?.replace(/\\(.)/g, "$1") ?? plain[2]) : null;
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser takes the file over some time after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
