/**
 * Proves that the comparison of trees notices what it is there for: a proof that compares by it is worth no more.
 *
 * @module
 */
import { Place } from "../bench/place.ts";
import type { Figure } from "./figures.ts";
import { provedSame } from "./same_tree.ts";

const MAKE =
  "rm -rf a b; mkdir a a/d; printf x > a/d/f; ln a/d/f a/l; ln -s there a/s; mknod a/n c 1 3; cp -a a b";
/** What is done to the copy; `[1]`: also noticed where it is not compared closely. */
const CHANGES: readonly (readonly [string, boolean])[] = [
  ["printf y > b/l; touch -r a/l b/l", true],
  ["rm b/d/f", true],
  ["touch b/new; touch -r a b", true],
  ["chmod 600 b/d/f", true],
  ["chmod 700 b/d", true],
  ["chown 5 b/d/f", true],
  ["touch -d 2020-01-01 b/d", true],
  ["rm b/l; cp -p b/d/f b/l; touch -r a b", true],
  ["rm b/s; ln -s other b/s; touch -hr a/s b/s; touch -r a b", true],
  ["touch -r a/d/f -d '+0.000001 sec' b/d/f", false],
  ["setfattr -n user.x -v 1 b/d/f", false],
  ["setfacl -m u:7:r b/d/f", false],
  ["rm b/n; mknod b/n c 1 4; touch -r a/n b/n; touch -r a b", false],
];

/** Changes copies of a small tree in every way that counts. */
export async function noticed(): Promise<Figure> {
  using place = Place.inMemory();
  const [a, b] = [place.at("a"), place.at("b")];
  const soon = new Date(Date.now() + 3_600_000);
  const missed: string[] = [];
  const compare = async (change: string, isLoose: boolean): Promise<void> => {
    const { success } = await new Deno.Command("bash", {
      args: ["-euc", `${MAKE}; ${change}`],
      cwd: place.path,
    }).output();
    if (!success) throw new Error(`Cannot do ${change}`);
    for (const closely of isLoose ? [true, false] : [true]) {
      const isSame = await provedSame(a, b, soon, { closely }).then(
        () => true,
        () => false,
      );
      if (isSame !== (change === ":")) missed.push(change);
    }
  };
  await compare(":", true);
  for (const [change, isLoose] of CHANGES) await compare(change, isLoose);
  return {
    what: "differences that the comparison does not notice",
    value: `${missed.length} of ${CHANGES.length} ${missed.join("; ")}`.trim(),
    goal: "0",
    reached: missed.length === 0,
  };
}
