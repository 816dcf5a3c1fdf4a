/**
 * An archive a million directories deep: what each level costs in memory.
 *
 * The yardstick is an archive of as many directories in chains of a thousand, read by the same program: what the deep one needs beyond that is for the depth.
 *
 * @module
 */
import { measure, type Usage } from "../bench/measure.ts";
import { Place } from "../bench/place.ts";
import { ROOT } from "../bench/program.ts";
import { atMost, type Figure, say, told } from "./figures.ts";

const CHAIN = 1000;
const LIMIT = 200;

function child(...args: string[]): Promise<Usage> {
  return measure([
    Deno.execPath(),
    "run",
    "-A",
    `${ROOT}proof/deep_child.ts`,
    ...args,
  ]);
}

/** Runs it all; `scale` 1 is the real thing, less is for trying out. */
export async function deep(factor: number): Promise<Figure[]> {
  const levels = Math.max(10, Math.round(1000 * factor)) * CHAIN;
  using place = Place.inMemory();
  place.demand(2 ** 30, "deep");
  const figures: Figure[] = [];
  for (const verb of ["encode", "decode", "check"]) {
    say(`${verb}, ${levels} levels`);
    const chains = await child(
      verb,
      place.at("chains"),
      String(levels / CHAIN),
      String(CHAIN),
    );
    const deep = await child(verb, place.at("deep"), "1", String(levels));
    const more = (deep.peak - chains.peak) * 2 ** 20 / levels;
    figures.push(
      told(
        `${verb} ${levels} levels`,
        `${deep.seconds.toFixed(2)} s, ${deep.peak.toFixed(0)} MiB ` +
          `(in chains of ${CHAIN}: ${chains.seconds.toFixed(2)} s, ${
            chains.peak.toFixed(0)
          } MiB)`,
      ),
      atMost(`memory of ${verb} for each level`, more, LIMIT, "bytes"),
    );
  }
  return figures;
}
