// tests/vectors/store/ids.json: what is in it.
import { type Case, type Result, storeVector } from "./vectors.ts";

/** What the official parser tells of a UPID. */
export interface UpidCase {
  readonly authId: string;
  readonly display: string;
  readonly node: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  readonly taskId: number;
  readonly workerId: string | null;
  readonly workerType: string;
}

/** The file. */
export interface Ids {
  readonly authId: readonly (
    & Case<
      { name: string; realm: string; token: string | null; user: string }
    >
    & { readonly schema: boolean }
  )[];
  readonly fingerprint: readonly {
    text: string;
    fromStr: Result<{ long: string; short: string }>;
  }[];
  readonly ownerCheck: readonly {
    authId: string;
    owner: string;
    result: Result<boolean>;
  }[];
  readonly upidBigNumbers: string;
  readonly upidFormat: readonly {
    display: string;
    parsedBack: string | null;
    workerId: string;
  }[];
  readonly upidParse: readonly Case<UpidCase>[];
}

export const IDS = storeVector<Ids>("ids.json");
