/**
 * Long runs done once: `deno task proof [scale] [deep] [damage] [crash] [backup] [reuse] [journeys] [arm] [--scale F] [--tests FOLDER]… [--tree DIR]…`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { table } from "../bench/table.ts";
import { arm } from "./arm.ts";
import { backup } from "./backup.ts";
import { crash } from "./crash.ts";
import { damage } from "./damage.ts";
import { deep } from "./deep.ts";
import type { Figure } from "./figures.ts";
import { journeys } from "./journeys.ts";
import { reuse } from "./reuse.ts";
import { scale } from "./scale.ts";

const { values: options, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    tests: { type: "string", multiple: true, default: [] },
    tree: {
      type: "string",
      multiple: true,
      default: ["/etc", "/var/lib", "/usr"],
    },
  },
});
const factor = Number(options.scale);
const proofs: Record<string, () => Promise<Figure[]>> = {
  scale: () => scale(factor),
  deep: () => deep(factor),
  damage: () => damage(factor),
  crash: () => crash(factor),
  backup: () => backup(factor),
  reuse: () => reuse(factor),
  journeys: () => journeys(factor, options.tree),
  arm: () => arm(options.tests),
};

const names = positionals.length > 0 ? positionals : Object.keys(proofs);
const unknown = names.find((name) => proofs[name] === undefined);
if (unknown !== undefined || !(factor > 0)) {
  console.error(
    `Cannot prove ${unknown ?? `with --scale ${options.scale}`}: ` +
      `expected ${Object.keys(proofs).join(", ")}, and --scale above 0`,
  );
  Deno.exit(2);
}

let good = true;
for (const name of names) {
  console.log(`\n## ${name}\n`);
  try {
    const figures = await proofs[name]!();
    console.log(table(
      ["what", "measured", "goal", "reached"],
      figures.map(({ what, value, goal, reached }) => [
        what,
        value,
        goal ?? "–",
        reached === undefined ? "–" : reached ? "yes" : "no",
      ]),
    ));
    good &&= figures.every(({ reached }) => reached !== false);
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    good = false;
  }
}
Deno.exit(good ? 0 : 1);
