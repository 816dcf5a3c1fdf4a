// A thread of the crew tests.
import { serveCrew } from "@pxar/chunk/crew_member";
import { open } from "./crew_serve.ts";

serveCrew(open);
