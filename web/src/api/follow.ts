import type { Client } from "./client";
import { events } from "./events";
import { pause } from "./pause";
import { type ImageRecord, isFinal } from "./record";

/** How long to wait before resuming where the server does not say. */
const RETRY = 500;

/** Follows an image to its final state. A stream that ends before, as the cloud's do, is resumed. */
export async function follow(client: Client, id: string, seen: (record: ImageRecord) => void): Promise<void> {
  let last = "";
  let retry = RETRY;
  for (;;) {
    const headers: HeadersInit = last === "" ? {} : { "Last-Event-ID": last };
    const response = await client.send(`/v1/images/${encodeURIComponent(id)}/events`, { headers });
    // 204: the version that was seen last is final.
    if (response.status === 204 || response.body === null) return;
    try {
      for await (const event of events(response.body, (milliseconds) => (retry = milliseconds))) {
        last = event.id;
        if (event.name !== "status") continue;
        const record: ImageRecord = JSON.parse(event.data);
        seen(record);
        if (isFinal(record)) return;
      }
    } catch (error) {
      // A connection that breaks is a stream that ends; anything else is a fault of this page.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
    await pause(retry);
  }
}
