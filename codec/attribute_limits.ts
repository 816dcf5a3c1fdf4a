// What the attributes of one entry may take, so that no archive makes a reader keep more than a file system could have:
// the kernel lists 64 KiB of names at most, so there are fewer than 10,000 extended attributes, and a list of 8,191 permissions.

/** Greatest length of all attributes of an entry together, bytes. */
export const ATTRIBUTE_BYTES: number = 32 << 20;

/** Greatest number of attribute items of an entry. */
export const ATTRIBUTE_ITEMS: number = 1 << 16;

/** Whether an entry may have so many attributes of so many bytes. */
export function areFewEnough(items: number, bytes: number): boolean {
  return items <= ATTRIBUTE_ITEMS && bytes <= ATTRIBUTE_BYTES;
}

/** Counts the attributes of one entry after the other. */
export class AttributeCount {
  /** How many there are. */
  items = 0;
  /** How long their contents are together, bytes. */
  bytes = 0;

  /** Starts with another entry. */
  restart(): void {
    this.items = this.bytes = 0;
  }

  /** Whether the entry may have them. */
  get areFewEnough(): boolean {
    return areFewEnough(this.items, this.bytes);
  }

  /** Counts one whose content has `size` bytes; gives whether the entry may have it, too. */
  add(size: number): boolean {
    this.items++;
    this.bytes += size;
    return this.areFewEnough;
  }
}
