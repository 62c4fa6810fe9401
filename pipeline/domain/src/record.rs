//! The public record of an image: what the API answers, the CLI prints and events carry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Image, ImageId, Key, Problem, Sha256, Status, Tenant, Visibility, image::Outcome};

/// What stands in for the picture until it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Placeholder {
    /// A `ThumbHash` of the picture, base64.
    pub thumbhash: String,
    /// Its mean colour, `#rrggbb`.
    pub color: String,
}

/// The normalised fields of a picture's metadata. What is not known is null, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Metadata {
    /// When the picture was taken: RFC 3339, with an offset only where the camera wrote one.
    pub taken_at: Option<String>,
    /// What took it.
    pub camera: Option<Camera>,
    /// Through which lens.
    pub lens: Option<String>,
    /// With which settings.
    pub exposure: Option<Exposure>,
    /// EXIF orientation, 1 to 8, as the file has it.
    pub orientation: Option<u8>,
    /// Where it was taken.
    pub gps: Option<Gps>,
    /// Its title.
    pub title: Option<String>,
    /// What it shows.
    pub description: Option<String>,
    /// What it is filed under.
    pub keywords: Vec<String>,
    /// Who made it.
    pub creator: Option<String>,
    /// Whose rights.
    pub copyright: Option<String>,
    /// Zero to five stars.
    pub rating: Option<u8>,
}

/// What took the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Camera {
    /// Its maker.
    pub make: Option<String>,
    /// Its model.
    pub model: Option<String>,
}

/// The settings that the picture was taken with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Exposure {
    /// Seconds.
    pub time_s: Option<f64>,
    /// The aperture's f-number.
    pub f_number: Option<f64>,
    /// ISO speed.
    pub iso: Option<u32>,
    /// Millimetres.
    pub focal_length_mm: Option<f64>,
}

/// A position in WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gps {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres above sea level.
    pub altitude_m: Option<f64>,
}

/// What the metadata stage found: normalised fields, and where all the rest lies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The normalised fields.
    pub fields: Metadata,
    /// SHA-256 of the raw metadata's object; none where the picture has none.
    pub raw: Option<Sha256>,
}

/// An image, as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Which.
    pub image_id: ImageId,
    /// Whose.
    pub tenant: Tenant,
    /// Its state.
    pub status: Status,
    /// Who may fetch its variants.
    pub visibility: Visibility,
    /// When its upload was created.
    pub created_at: Timestamp,
    /// When it became ready.
    pub ready_at: Option<Timestamp>,
    /// When it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// The client's name for the file.
    pub filename: Option<String>,
    /// The client's own words about it.
    pub tags: BTreeMap<String, String>,
    /// The kept original.
    pub source: Option<SourceRecord>,
    /// What is served, or was made so far.
    pub variants: Vec<Variant>,
    /// What stands in for the picture until it is there.
    pub placeholder: Option<Placeholder>,
    /// What the picture says about itself.
    pub metadata: Option<MetadataRecord>,
    /// Why it was rejected or failed.
    pub problem: Option<Problem>,
}

/// The kept original, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceRecord {
    /// Format of the bytes.
    #[schema(value_type = String, example = "jpeg")]
    pub format: imaging::Format,
    /// Pixels across, upright.
    pub width: u32,
    /// Pixels down, upright.
    pub height: u32,
    /// Pictures in it.
    pub frames: u32,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: Sha256,
    /// What the client said that it was.
    pub declared_type: Option<String>,
}

/// One variant: made, dropped or failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Variant {
    /// Its name in the presets.
    pub name: String,
    /// Format of its bytes.
    pub format: String,
    /// Pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the bytes, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Where to fetch it: what an app should store and use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why it was not worth having.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
    /// Why it could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Problem>,
}

/// The picture's metadata, as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetadataRecord {
    /// The normalised fields.
    #[serde(flatten)]
    pub fields: Metadata,
    /// Where all of it is, as the file has it.
    pub raw_url: Option<String>,
}

impl Record {
    /// The record of an image, with URLs by the home's rule.
    pub fn of(image: &Image, url: &dyn Fn(&Key) -> Option<String>) -> Self {
        let mut record = Self {
            image_id: image.id,
            tenant: image.tenant.clone(),
            status: image.status,
            visibility: image.visibility,
            created_at: image.created_at,
            ready_at: image.ready_at,
            erased_at: image.erased_at,
            filename: image.filename.clone(),
            tags: image.tags.clone(),
            source: image.source.as_ref().map(|source| {
                let (width, height) = source.header.upright();
                SourceRecord {
                    format: source.header.format,
                    width,
                    height,
                    frames: source.header.frames,
                    bytes: source.bytes,
                    sha256: source.sha256,
                    declared_type: Some(image.announced.content_type.clone())
                        .filter(|t| !t.is_empty()),
                }
            }),
            variants: Vec::new(),
            placeholder: None,
            metadata: None,
            problem: image.problem.clone(),
        };
        for (piece, outcome) in image.outcomes() {
            match outcome {
                Outcome::Derived(placeholder) => record.placeholder = Some(placeholder.clone()),
                Outcome::Described(description) => {
                    record.metadata = Some(MetadataRecord {
                        fields: description.fields.clone(),
                        raw_url: description
                            .raw
                            .and_then(|hash| url(&Key::Metadata { image: image.id, hash })),
                    });
                }
                Outcome::Made(_) | Outcome::Dropped(_) | Outcome::Failed(_) => {
                    if let Some((name, format)) = piece.name.split_once('.') {
                        let key = variant_key(image, piece);
                        record.variants.push(Variant::of(name, format, outcome, || url(&key)));
                    }
                }
            }
        }
        record
    }
}

/// Where a piece of an image lies.
pub fn variant_key(image: &Image, piece: &crate::PieceId) -> Key {
    Key::Variant {
        image: image.id,
        revision: piece.revision.clone(),
        file: piece.name.clone(),
        visibility: image.visibility,
    }
}

impl Variant {
    fn of(
        name: &str,
        format: &str,
        outcome: &Outcome,
        url: impl FnOnce() -> Option<String>,
    ) -> Self {
        let mut variant = Self {
            name: name.to_owned(),
            format: format.to_owned(),
            width: None,
            height: None,
            bytes: None,
            sha256: None,
            url: None,
            dropped: None,
            failed: None,
        };
        match outcome {
            Outcome::Made(made) => {
                variant.width = Some(made.width);
                variant.height = Some(made.height);
                variant.bytes = Some(made.bytes);
                variant.sha256 = Some(made.sha256);
                variant.url = url();
            }
            Outcome::Dropped(why) => variant.dropped = Some(why.clone()),
            Outcome::Failed(problem) => variant.failed = Some(problem.clone()),
            Outcome::Derived(_) | Outcome::Described(_) => {}
        }
        variant
    }
}
