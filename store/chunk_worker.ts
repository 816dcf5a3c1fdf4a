// A thread that works on chunks; started by chunk_crew.ts.
import { serveCrew } from "@pxar/chunk/crew_member";
import { openWork } from "./chunk_work.ts";

serveCrew(openWork);
