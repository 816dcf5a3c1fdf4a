// The node that a check is in: what its ENTRY and its attributes say, and whether its body agrees.
import { AttributeReader } from "@pxar/format/attributes";
import type { EntryKind } from "@pxar/format/entry";
import { ITEMS } from "@pxar/format/item";
import { decodeStat, decodeStatV1, kindOfMode } from "@pxar/format/stat";
import { decodeXattr } from "@pxar/format/xattr";
import {
  ATTRIBUTE_BYTES,
  ATTRIBUTE_ITEMS,
  AttributeCount,
} from "./attribute_limits.ts";
import type { DamageLog } from "./damage_log.ts";
import { blankStat } from "./entry_builder.ts";
import type { LenientCursor } from "./lenient_cursor.ts";

/** One node after the other. */
export class CheckedNode {
  /** Where its FILENAME stands, or the root's ENTRY. */
  start = 0;
  /** Where its ENTRY stands. */
  entry = 0;
  /** What its mode says that it is. */
  kind: EntryKind | undefined;
  readonly #items: LenientCursor;
  readonly #log: DamageLog;
  readonly #stat = blankStat();
  readonly #count = new AttributeCount();
  #attributes: AttributeReader | undefined;

  /** Is read from where `items` stands; what is wrong with it goes to `log`. */
  constructor(items: LenientCursor, log: DamageLog) {
    this.#items = items;
    this.#log = log;
  }

  /** Reads its ENTRY. */
  async readEntry(): Promise<void> {
    const { at, header: { item } } = this.#items.cursor, stat = this.#stat;
    this.entry = at;
    this.#attributes = undefined;
    this.#count.restart();
    const decode = item === ITEMS.ENTRY ? decodeStat : decodeStatV1;
    const isSound = await this.#items.content((reader) => {
      decode(reader, stat);
      return true;
    });
    // Whatever else is wrong with it, its type is needed to go on.
    this.kind = kindOfMode(
      isSound
        ? stat.mode
        : await this.#items.peek(2, (reader) => reader.u16(), 0),
    );
  }

  /** Reads one of its attributes. */
  async readAttribute(): Promise<void> {
    const { item, size } = this.#items.cursor.header;
    if (!this.#counts(size)) return;
    if (item === ITEMS.XATTR) {
      // There may be many; nothing of them is kept.
      await this.#items.content(decodeXattr);
      return;
    }
    await this.#items.content((reader) => {
      (this.#attributes ??= new AttributeReader()).take(item, reader);
    });
  }

  /** Notes that its mode is not the one of its body. */
  mismatch(body: string): void {
    const is = this.kind === undefined
      ? "of no type"
      : `that of a ${this.kind}`;
    this.#log.archive(
      this.entry,
      `Cannot read ENTRY at byte ${this.entry}: its mode is ${is}, its items are those of a ${body}`,
    );
  }

  /** Counts an attribute, and gives whether readers take it; says once if an entry has more. */
  #counts(size: number): boolean {
    const were = this.#count.areFewEnough, are = this.#count.add(size);
    if (were && !are) {
      this.#log.archive(
        this.entry,
        `Cannot read ENTRY at byte ${this.entry}: it has more attributes than readers take, expected ${ATTRIBUTE_ITEMS} of ${ATTRIBUTE_BYTES} bytes at most`,
      );
    }
    return are;
  }
}
