/**
 * Writers killed at random moments: every finished snapshot is whole afterwards, and a collection leaves nothing but what these need.
 *
 * @module
 */
import { crash as kill } from "../tests/store/crashes.ts";
import { type Figure, none, say, told } from "./figures.ts";

/** How many. */
const KILLS = 200;

/** Kills them; what is not as it must be is an error. */
export async function crash(factor: number): Promise<Figure[]> {
  const count = Math.max(1, Math.round(KILLS * factor));
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1 | 1;
  say(`crash: ${count} writers, seed ${seed}`);
  const { kills, made, unfinished, temporaries, during } = await kill(
    count,
    seed,
    (number) => {
      if (number % 20 === 0) say(`crash: ${number}`);
    },
  );
  return [
    none("writers killed, store not as it must be", kills),
    told("snapshots made by them", `${made}`),
    told("left unfinished", `${unfinished}`),
    told("files left without their names", `${temporaries}`),
    ...Object.entries(during).map(([what, times]) =>
      told(`killed after "${what}"`, `${times}`)
    ),
  ];
}
