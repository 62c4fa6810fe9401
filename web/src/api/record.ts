// The record of an image as the API answers it: /openapi.json describes it in full.

export type Status = "pending" | "processing" | "ready" | "failed" | "rejected" | "expired" | "erased";

/** Why something could not be made. */
export interface Reason {
  code: string;
  detail: string;
}

export interface Variant {
  name: string;
  format: string;
  width?: number;
  height?: number;
  bytes?: number;
  url?: string;
  dropped?: string;
  failed?: Reason;
}

/** A variant whose bytes exist. */
export type Made = Variant & Required<Pick<Variant, "width" | "height" | "bytes" | "url">>;

export interface Metadata {
  taken_at: string | null;
  camera: { make: string | null; model: string | null } | null;
  lens: string | null;
  exposure: {
    time_s: number | null;
    f_number: number | null;
    iso: number | null;
    focal_length_mm: number | null;
  } | null;
  orientation: number | null;
  gps: { latitude: number; longitude: number; altitude_m: number | null } | null;
  title: string | null;
  description: string | null;
  keywords: string[];
  creator: string | null;
  copyright: string | null;
  rating: number | null;
  raw_url: string | null;
}

export interface ImageRecord {
  image_id: string;
  status: Status;
  visibility: "public" | "private";
  created_at: string;
  filename: string | null;
  tags: Record<string, string>;
  source: {
    format: string;
    width: number;
    height: number;
    frames: number;
    bytes: number;
    sha256: string;
    declared_type: string | null;
  } | null;
  variants: Variant[];
  placeholder: { thumbhash: string; color: string } | null;
  metadata: Metadata | null;
  problem: Reason | null;
}

/** Whether nothing more happens to the image by itself. */
export function isFinal(record: ImageRecord): boolean {
  return record.status !== "pending" && record.status !== "processing";
}

export function isMade(variant: Variant): variant is Made {
  return variant.url !== undefined && variant.width !== undefined;
}

/** How people call the image. */
export function nameOf(record: ImageRecord): string {
  return record.metadata?.title ?? record.filename ?? `Image ${record.image_id.slice(-6)}`;
}
