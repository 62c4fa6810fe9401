import type { Reason, Status } from "../api/record";

const number = new Intl.NumberFormat("en");
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  const [unit, size] = count < 1_000_000 ? ["KB", 1000] : ["MB", 1_000_000];
  return `${precise.format(count / (size as number))} ${unit}`;
}

export function exactBytes(count: number): string {
  return `${number.format(count)} bytes`;
}

export function pixels(width: number, height: number): string {
  return `${number.format(width)} × ${number.format(height)} px`;
}

export function images(count: number): string {
  return count === 1 ? "1 image" : `${number.format(count)} images`;
}

export function format(name: string): string {
  const own: Record<string, string> = { webp: "WebP", jxl: "JPEG XL" };
  return own[name] ?? name.toUpperCase();
}

export function moment(text: string): string {
  return new Date(text).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}

/** A camera's moment as it stands in the file: without an offset it is in nobody's time zone. */
export function taken(text: string): string {
  const [, date, time, offset] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(.*)$/.exec(text) ?? [];
  if (date === undefined || time === undefined) return text;
  const day = new Date(`${date}T00:00:00Z`).toLocaleDateString("en", { dateStyle: "long", timeZone: "UTC" });
  return offset ? `${day}, ${time} (${offset === "Z" ? "UTC" : `UTC${offset}`})` : `${day}, ${time}`;
}

export function exposureTime(seconds: number): string {
  return seconds > 0 && seconds < 0.3 ? `1/${Math.round(1 / seconds)} s` : `${precise.format(seconds)} s`;
}

export function coordinates(latitude: number, longitude: number): string {
  const side = (value: number, plus: string, minus: string) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? minus : plus}`;
  return `${side(latitude, "N", "S")}, ${side(longitude, "E", "W")}`;
}

const STATUS: Record<Status, string> = {
  pending: "Waiting for its upload",
  processing: "Developing…",
  ready: "Ready",
  failed: "Failed",
  rejected: "Not taken",
  expired: "Never uploaded",
  erased: "Erased",
};

export function status(name: Status): string {
  return STATUS[name];
}

const REASONS: Record<string, string> = {
  empty: "The file is empty",
  unsupported_format: "This is no image of a format that is taken",
  damaged: "The file is damaged and cannot be read as an image",
  truncated: "The file ends too early: part of the image is missing",
  too_large: "The file is too large",
  too_many_pixels: "The image has too many pixels",
  side_too_long: "One side of the image is too long",
  too_many_frames: "The animation has too many frames",
  too_much_memory: "The image would need more memory than is allowed",
  crashed: "The image brought its decoder down at every attempt",
  timed_out: "Working on the image took too long",
  kept_failing: "Every attempt to work on the image failed",
  some_pieces_failed: "Not every variant could be made",
  nothing_arrived: "The upload never arrived",
  too_slow: "The upload came too slowly",
  url_expired: "The upload took longer than its URL was good for",
  unknown_image: "There is no such image",
  erased: "The image was erased",
  storage_full: "The server has no room for more",
  key_required: "An API key is needed",
  key_invalid: "The API key is not valid",
};

/** A reason in a few words; where this page knows none, the server's title. */
export function headline(reason: Reason & { title?: string }): string {
  return REASONS[reason.code] ?? reason.title ?? "It could not be made";
}

/** The server's sentence, as one. */
export function sentence(detail: string): string {
  const text = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
