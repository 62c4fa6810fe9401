//! What a client asks for when it creates an upload, checked field by field.

use std::collections::BTreeMap;

use domain::{Problem, Sha256, Visibility, image::FocalPoint};
use imaging::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::problem::{FieldError, Refusal};

/// Tags that an image may have, and the characters of their names and values: a record with all of
/// them stays small enough for one item of every catalog.
const TAGS_MOST: usize = 50;
const TAG_NAME_MOST: usize = 128;
const TAG_VALUE_MOST: usize = 256;
const FILENAME_MOST: usize = 255;
const MEDIA_TYPE_MOST: usize = 255;

/// The body of `POST /v1/uploads`, every field checked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = NewUpload)]
pub(crate) struct Terms {
    /// Bytes that will be sent.
    #[schema(minimum = 1)]
    pub(crate) content_length: u64,
    /// The Content-Type that will be sent. What the bytes are is found out by reading them.
    #[schema(max_length = 255, example = "image/jpeg")]
    pub(crate) content_type: String,
    /// SHA-256 of the bytes, base64. Other bytes will not be taken.
    #[schema(value_type = Option<String>, required = false)]
    pub(crate) checksum_sha256: Option<Sha256>,
    /// The file's name, for people.
    #[schema(min_length = 1, max_length = 255, required = false)]
    pub(crate) filename: Option<String>,
    /// At most 50 words about it and their values, of at most 128 and 256 characters.
    #[schema(required = false)]
    pub(crate) tags: BTreeMap<String, String>,
    /// Who may fetch the variants; everybody where it is left out.
    #[schema(required = false)]
    pub(crate) visibility: Visibility,
    /// The point that cropping should keep, from the upper left corner, 0 to 1 each.
    #[schema(value_type = Option<Point>, required = false)]
    pub(crate) focal_point: Option<FocalPoint>,
}

/// A point on the picture, from the upper left corner.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    /// Share of the width.
    #[schema(minimum = 0.0, maximum = 1.0)]
    x: f32,
    /// Share of the height.
    #[schema(minimum = 0.0, maximum = 1.0)]
    y: f32,
}

impl Terms {
    /// Checks all fields and tells all that is wrong at once.
    pub(crate) fn read(body: Map<String, Value>, limits: &Limits) -> Result<Self, Refusal> {
        let mut fields = Fields { body, errors: Vec::new() };
        let content_length = fields.required("content_length", length);
        let terms = Self {
            content_length: content_length.unwrap_or(0),
            content_type: fields.required("content_type", media_type).unwrap_or_default(),
            checksum_sha256: fields.optional("checksum_sha256", checksum),
            filename: fields.optional("filename", filename),
            tags: fields.optional("tags", tags).unwrap_or_default(),
            visibility: fields.optional("visibility", visibility).unwrap_or_default(),
            focal_point: fields.optional("focal_point", focal_point),
        };
        for (name, _) in std::mem::take(&mut fields.body) {
            let detail = "is not a field of this body: it takes content_length, content_type, \
                          checksum_sha256, filename, tags, visibility and focal_point";
            fields.errors.push(FieldError::new(name, detail));
        }
        let size =
            content_length.and_then(|bytes| limits.check_bytes(bytes).err()).map(Problem::from);
        match (size, fields.errors) {
            (None, errors) if errors.is_empty() => Ok(terms),
            (None, errors) => Err(Refusal::fields(errors)),
            // The size alone is wrong: that has a code of its own.
            (Some(problem), errors) if errors.is_empty() => Err(problem.into()),
            (Some(problem), mut errors) => {
                errors.insert(0, FieldError::new("content_length", problem.detail));
                Err(Refusal::fields(errors))
            }
        }
    }

    /// The digest of the request, the same however its JSON was written.
    pub(crate) fn digest(&self) -> Result<Sha256, Refusal> {
        serde_json::to_vec(self).map(|text| Sha256::of(&text)).map_err(Refusal::internal)
    }
}

/// A body's fields, taken out one by one, and what was wrong with them.
struct Fields {
    body: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// A field that may be left out or null.
    fn optional<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, String>) -> Option<T> {
        match self.body.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => match read(&value) {
                Ok(field) => Some(field),
                Err(detail) => {
                    self.errors.push(FieldError::new(name, detail));
                    None
                }
            },
        }
    }

    fn required<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, String>) -> Option<T> {
        if self.body.get(name).is_none_or(Value::is_null) {
            self.body.remove(name);
            self.errors.push(FieldError::new(name, "is missing"));
            return None;
        }
        self.optional(name, read)
    }
}

fn length(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("{value} is not a whole number of bytes"))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is not a string"))
}

fn media_type(value: &Value) -> Result<String, String> {
    let given = text(value)?;
    if given.len() <= MEDIA_TYPE_MOST && is_media_type(given) {
        return Ok(given.to_owned());
    }
    let most = MEDIA_TYPE_MOST;
    Err(format!("{given:?} is not a media type of at most {most} characters, such as image/jpeg"))
}

fn checksum(value: &Value) -> Result<Sha256, String> {
    let given = text(value)?;
    // One spelling a digest: it is signed as the canonical text.
    let digest = Sha256::from_base64(given).filter(|digest| digest.to_base64() == given);
    digest.ok_or_else(|| format!("{given:?} is not the base64 of the 32 bytes of a SHA-256"))
}

fn filename(value: &Value) -> Result<String, String> {
    let given = text(value)?;
    let length = given.chars().count();
    if !(1..=FILENAME_MOST).contains(&length) {
        return Err(format!("has {length} characters: 1 to {FILENAME_MOST} are allowed"));
    }
    if given.chars().any(char::is_control) {
        return Err("has control characters: send it without".to_owned());
    }
    Ok(given.to_owned())
}

fn tags(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let given = value.as_object().ok_or_else(|| format!("{value} is not an object of strings"))?;
    if given.len() > TAGS_MOST {
        return Err(format!("{} tags: at most {TAGS_MOST} are allowed", given.len()));
    }
    let fits =
        |text: &str, most| text.chars().count() <= most && !text.chars().any(char::is_control);
    let mut tags = BTreeMap::new();
    for (name, value) in given {
        let value = value.as_str().ok_or_else(|| format!("{name:?} is {value}, not a string"))?;
        if name.is_empty() || !fits(name, TAG_NAME_MOST) || !fits(value, TAG_VALUE_MOST) {
            return Err(format!(
                "{name:?}: a name has 1 to {TAG_NAME_MOST} characters, a value at most \
                 {TAG_VALUE_MOST}, and neither has control characters"
            ));
        }
        tags.insert(name.clone(), value.to_owned());
    }
    Ok(tags)
}

fn visibility(value: &Value) -> Result<Visibility, String> {
    Visibility::deserialize(value)
        .map_err(|_| format!("{value} is neither \"public\" nor \"private\""))
}

fn focal_point(value: &Value) -> Result<FocalPoint, String> {
    let Point { x, y } = Point::deserialize(value).map_err(|error| error.to_string())?;
    let within = |share: f32| (0.0..=1.0).contains(&share);
    if within(x) && within(y) {
        return Ok(FocalPoint { x, y });
    }
    Err(format!("({x}, {y}) lies outside the picture: x and y go from 0 to 1"))
}

/// Whether this is a media type as RFC 9110 (8.3.1) writes it, parameters included.
fn is_media_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let essence = parts.next().and_then(|essence| essence.trim_end().split_once('/'));
    essence.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && parts.all(|parameter| {
            let parameter = parameter.trim_matches([' ', '\t']);
            parameter.split_once('=').is_some_and(|(name, value)| {
                is_token(name) && (is_token(value) || is_quoted(value))
            })
        })
}

fn is_token(text: &str) -> bool {
    const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || MARKS.contains(&b))
}

/// A quoted string without quotes, escapes or semicolons inside: no image type needs them.
fn is_quoted(text: &str) -> bool {
    text.len() >= 2
        && text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).is_some_and(|inside| {
            inside.bytes().all(|b| matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))
        })
}
