import type { ImageRecord, Metadata } from "../api/record";
import { copyButton } from "./copy";
import { element } from "./element";
import { coordinates, exactBytes, exposureTime, format, moment, pixels, status, taken } from "./words";

type Fact = [name: string, value: string | null | undefined];

/** What is known of the original, and what it says about itself, as tables. */
export function facts(record: ImageRecord): HTMLElement {
  const said = record.metadata === null ? [] : metadata(record.metadata);
  const raw = record.metadata?.raw_url ?? null;
  return element(
    "div", { className: "facts" },
    said.length === 0 && record.status !== "ready" ? null : table("Metadata", said, "The file says nothing about itself."),
    table("Original", original(record)),
    raw && element("p", {}, copyButton("URL of all metadata", raw, "Copy URL of all metadata")),
  );
}

function original(record: ImageRecord): Fact[] {
  const { source } = record;
  const tags = Object.entries(record.tags).map(([name, value]) => `${name}: ${value}`);
  return [
    ["Status", status(record.status)],
    ["Added", moment(record.created_at)],
    ["Visible to", record.visibility === "public" ? "everybody who has a URL" : "holders of a signed URL"],
    ["Format", source && format(source.format)],
    ["Size", source && pixels(source.width, source.height)],
    ["Bytes", source && exactBytes(source.bytes)],
    ["Frames", source && source.frames > 1 ? String(source.frames) : null],
    ["Sent as", source?.declared_type],
    ["Tags", tags.join(", ")],
    ["Id", record.image_id],
    ["SHA-256", source?.sha256],
  ];
}

function metadata(said: Metadata): Fact[] {
  const { camera, exposure, gps } = said;
  const all: Fact[] = [
    ["Title", said.title],
    ["Description", said.description],
    ["Taken", said.taken_at && taken(said.taken_at)],
    ["Camera", cameraName(camera?.make ?? null, camera?.model ?? null)],
    ["Lens", said.lens],
    ["Exposure", exposure && [
      exposure.time_s === null ? null : exposureTime(exposure.time_s),
      exposure.f_number === null ? null : `f/${exposure.f_number}`,
      exposure.iso === null ? null : `ISO ${exposure.iso}`,
      exposure.focal_length_mm === null ? null : `${exposure.focal_length_mm} mm`,
    ].filter(Boolean).join(" · ")],
    ["Position", gps && coordinates(gps.latitude, gps.longitude)],
    ["Altitude", gps?.altitude_m == null ? null : `${gps.altitude_m} m`],
    ["Creator", said.creator],
    ["Copyright", said.copyright],
    ["Keywords", said.keywords.join(", ")],
    ["Rating", said.rating === null ? null : `${said.rating} of 5`],
  ];
  return all.filter(([, value]) => Boolean(value));
}

/** Many cameras repeat their maker in their model. */
function cameraName(make: string | null, model: string | null): string {
  return model?.startsWith(make ?? "") ? model : [make, model].filter(Boolean).join(" ");
}

function table(title: string, rows: Fact[], none = ""): HTMLElement {
  const known = rows.filter(([, value]) => Boolean(value));
  if (known.length === 0) {
    return element("section", {}, element("h3", { textContent: title }), element("p", { className: "muted", textContent: none }));
  }
  const lines = known.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: value ?? "" })),
  );
  return element("table", {}, element("caption", { textContent: title }), element("tbody", {}, ...lines));
}
