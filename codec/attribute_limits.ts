// What the attributes of one entry may take, so that no archive makes a reader keep more than a file system could have:
// the kernel lists 64 KiB of names at most, so there are fewer than 10,000 extended attributes, and a list of 8,191 permissions.

/** Greatest length of all attributes of an entry together, bytes. */
export const ATTRIBUTE_BYTES: number = 32 << 20;

/** Greatest number of attribute items of an entry. */
export const ATTRIBUTE_ITEMS: number = 1 << 16;
