/**
 * What a report means for the one who typed the command.
 *
 * @module
 */
import type { Report } from "@pxar/fs/report";
import { EXIT } from "./exits.ts";
import { lazy } from "./lazy.ts";
import { countText } from "./show.ts";
import type { Voice } from "./voice.ts";

/**
 * Says once what could not be kept, and gives the exit code for it.
 *
 * @param report What happened.
 * @param voice Says it.
 * @param verb What was not possible, such as `restored`.
 * @returns 0, or 3 where something is missing, or 4 where that is because the archive is damaged.
 */
export async function closing(
  report: Report,
  voice: Voice,
  verb: string,
): Promise<number> {
  if (report.losses.size > 0) {
    const { lossSentences } = await lazy("./losses.ts");
    for (const sentence of lossSentences(report.losses, verb)) {
      voice.problem(sentence);
    }
  }
  if (report.errors > 0) {
    voice.problem(
      `${countText(report.errors)} ${
        report.errors === 1 ? "error" : "errors"
      }: the result is incomplete`,
    );
  }
  if (report.damaged > 0) return EXIT.damaged;
  return report.errors > 0 || report.losses.size > 0
    ? EXIT.incomplete
    : EXIT.done;
}

/**
 * What happened, for JSON.
 *
 * @param report What happened.
 * @returns Counts, problems and losses.
 */
export async function jsonReport(
  report: Report,
): Promise<Record<string, unknown>> {
  const { jsonPath } = await lazy("./names.ts");
  return {
    entries: report.entries,
    bytes: report.bytes,
    warnings: report.warnings,
    errors: report.errors,
    problems: report.problems.map(({ severity, path, message }) => ({
      severity,
      ...jsonPath(path),
      message,
    })),
    losses: Object.fromEntries(report.losses),
  };
}
