// Server-sent events, read from a fetch: EventSource cannot send the header that authenticates.

/** One event of a stream, as the HTML standard dispatches it. */
export interface StreamEvent {
  name: string;
  data: string;
  /** The last id that the stream gave, so far. */
  id: string;
}

/** Reads the events of a body. `setRetry` hears how long to wait before resuming. */
export async function* events(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  setRetry: (milliseconds: number) => void,
): AsyncGenerator<StreamEvent> {
  let [name, id] = ["", ""];
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line === "") {
      if (data.length > 0) yield { name: name || "message", data: data.join("\n"), id };
      [name, data] = ["", []];
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
    else if (field === "retry" && /^\d+$/.test(value)) setRetry(Number(value));
  }
}

/** Whole lines; what follows the last line's end was cut off and is no line. */
async function* lines(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // A carriage return at the end of a chunk may be half of a line's end.
      const parts = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = parts.pop() ?? "";
      yield* parts;
    }
  } finally {
    await reader.cancel();
  }
}
