// What is used of @std/text, whose npm form comes without types.
/** How many letters must be put in, left out or changed to make one word the other. */
export function levenshteinDistance(a: string, b: string): number;
