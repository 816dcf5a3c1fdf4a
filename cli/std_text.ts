// @ts-types="./std_text.d.ts"
export { levenshteinDistance } from "@std/text/levenshtein-distance";
