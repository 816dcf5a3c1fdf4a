/**
 * Markdown tables.
 *
 * @module
 */

/** A table whose columns line up; numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const right = head.map((_, column) =>
    column > 0 && rows.every((row) => /^[-–<≤\d]|^$/.test(row[column] ?? ""))
  );
  const line = (cells: readonly string[]): string =>
    `| ${
      widths.map((width, column) =>
        right[column]
          ? (cells[column] ?? "").padStart(width)
          : (cells[column] ?? "").padEnd(width)
      ).join(" | ")
    } |`;
  const rule = `| ${
    widths.map((width, column) =>
      right[column] ? "-".repeat(width - 1) + ":" : "-".repeat(width)
    ).join(" | ")
  } |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
