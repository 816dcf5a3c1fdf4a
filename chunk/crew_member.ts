// The life of one thread of a crew: told its setup first, then serves requests one after the other, because its scratch memory is shared by them.
import type { CrewMessage, CrewReply, Serve } from "./crew.ts";
import { onMessage } from "./thread.ts";
import { errorMessage } from "./thread_error.ts";

/**
 * Serves; called by the file of a thread.
 *
 * @param open Makes of the setup what serves.
 */
export function serveCrew<Setup, Request, Answer>(
  open: (setup: Setup) => Promise<Serve<Request, Answer>>,
): void {
  let serve: Serve<Request, Answer> | undefined;
  let before: Promise<unknown> = Promise.resolve();
  onMessage((message, answer: (reply: CrewReply<Answer>) => void) => {
    const said = message as CrewMessage<Setup, Request>;
    before = before.then(async () => {
      if ("setup" in said) {
        try {
          serve = await open(said.setup);
        } catch {
          // The work is done elsewhere; what is wrong is met again there.
        }
        return answer({ up: serve !== undefined });
      }
      try {
        answer({ id: said.id, answer: await serve!(said.request) });
      } catch (error) {
        answer({ id: said.id, error: errorMessage(error) });
      }
    });
  });
}
