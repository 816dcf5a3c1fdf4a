// Whether the names of each directory are in the order of their bytes, while an archive is read through.
import type { Bytes } from "@pxar/format/bytes";
import { compareNames, showName } from "@pxar/format/name";
import type { DamageLog } from "./damage_log.ts";
import type { OpenDirectories } from "./open_directories.ts";

/** The one name that is not in order: what `create` adds, last in the root. */
const EXCLUDES = new TextEncoder().encode(".pxarexclude-cli");

/** Compares each name with the one before it. */
export class NameOrder {
  readonly #open: OpenDirectories;
  readonly #log: DamageLog;
  /** Whether the root's last child was allowed to be out of order. */
  #excludes = false;

  /** Names are those of the directories in `open`; what is wrong with them goes to `log`. */
  constructor(open: OpenDirectories, log: DamageLog) {
    this.#open = open;
    this.#log = log;
  }

  /** Meets the name of the innermost directory's next child; its FILENAME stands at `at`. */
  meet(name: Bytes, at: number): void {
    const isInRoot = this.#open.depth === 1;
    if (this.#excludes && isInRoot) this.#unsorted(at, "behind the last one");
    const order = this.#open.meet(name);
    if (order === 0) {
      this.#log.archive(
        at,
        `Cannot take "${
          showName(name)
        }" at byte ${at}: the one before has that name`,
      );
    }
    if (order <= 0) return;
    if (isInRoot && compareNames(name, EXCLUDES) === 0) this.#excludes = true;
    else this.#unsorted(at, "behind a greater one");
  }

  #unsorted(at: number, where: string): void {
    this.#excludes = false;
    this.#open.mix();
    this.#log.remark(
      at,
      `The name at byte ${at} stands ${where}; official writers put names in the order of their bytes, readers do not care`,
    );
  }
}
