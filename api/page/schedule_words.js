// When a definition is sent, and under which condition, in words of the page's language.

import { clockTime, languageName, number, say } from "./language.js";

/** The schedule, such as "Every weekday at 06:00". */
export function describeSchedule({
  interval,
  send_at: sendAt,
  cron,
  weekdays_only: weekdays,
  last_day_of_month: last,
}) {
  if (cron) return say("schedule_cron", { cron, covers: say(`covers_${interval}`) });
  const only = weekdays === "1" ? "_weekdays" : "";
  if (interval === "hour") return say(`schedule_hour${only}`, { minute: sendAt.slice(3) });
  const time = clockTime(sendAt);
  if (interval === "month") return say(`schedule_month${last === "1" ? "_last" : ""}${only}`, { time });
  return say(interval === "week" ? "schedule_week" : `schedule_day${only}`, { time });
}

/** The condition; null without one. */
export function describeCondition(condition, onlyWhenData) {
  const said = [];
  if (onlyWhenData) said.push(say("condition_data"));
  if (condition?.kind === "changed") said.push(say("condition_changed"));
  else if (condition) {
    const what = condition.column ?? say("condition_rows");
    said.push(say(`condition_${condition.kind}`, { what, threshold: String(condition.threshold) }));
  }
  return said.length ? said.join("; ") : null;
}

/** A code of a language, such as nb or nb_NO, by its name. */
export function describeLanguage(code) {
  return languageName(code.split("_")[0]);
}

/** A number of rows; null: unknown. */
export function describeRows(rows) {
  return rows === null ? "–" : number(rows);
}
