import type { Reason } from "./record";

/** A refusal of the API (RFC 9457), or of the network in front of it. */
export class Problem extends Error implements Reason {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly status = 0,
    /** Milliseconds after which the same request may succeed, where the server says so. */
    readonly wait: number | null = null,
  ) {
    super(`${title}: ${detail}`);
  }

  /** What an answer says of itself; a proxy's answer may say nothing. */
  static async of(response: Response): Promise<Problem> {
    return Problem.read(await response.text(), response.status, response.headers.get("Retry-After"));
  }

  static read(body: string, status: number, retryAfter: string | null): Problem {
    const said = parse(body);
    const text = (name: string) => (typeof said[name] === "string" ? said[name] : null);
    return new Problem(
      text("code") ?? "unknown",
      text("title") ?? "The server answered in a way this page does not know",
      text("detail") ?? `The answer has the status ${status}.`,
      status,
      retryAfter === null ? null : milliseconds(retryAfter),
    );
  }

  /** A bucket whose CORS rule does not expose what completing an upload needs. */
  static hidden(): Problem {
    const detail = "The store does not show this page the ETag of a part: its CORS rule has to expose ETag.";
    return new Problem("hidden_etag", "The upload cannot be completed", detail);
  }

  static unreachable(): Problem {
    return navigator.onLine
      ? new Problem("unreachable", "The server cannot be reached", "It may be restarting.")
      : new Problem("offline", "You are offline", "Everything goes on when you are back.");
  }
}

/** Retry-After holds seconds or a date (RFC 9110, 10.2.3). */
function milliseconds(text: string): number | null {
  const number = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(number) ? Math.max(0, number) : null;
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
