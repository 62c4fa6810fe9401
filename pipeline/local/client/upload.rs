//! Sending a file: as a whole, or by parts that are tried again one by one.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
    thread,
    time::Duration,
};

use domain::Sha256;
use imaging::Format;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::Digest as _;
use ureq::{
    Body, SendBody,
    http::{Request, Response},
};

use super::{Answer, Client, ClientError};

#[derive(Deserialize)]
struct Ticket {
    image_id: String,
    upload: Upload,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Upload {
    Parts(Parts),
    Whole { method: String, url: String, headers: Map<String, Value> },
}

#[derive(Deserialize)]
struct Parts {
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    number: u16,
    url: String,
    headers: Map<String, Value>,
    offset: u64,
    length: u64,
}

/// Times that a part is sent before it is given up.
const TRIES: u32 = 4;

impl Client {
    /// Uploads a file; answers its image's id. `sent` hears how many more bytes have arrived.
    pub fn upload(&self, path: &Path, sent: &mut dyn FnMut(u64)) -> Answer<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let (checksum, content_type) = read_through(&mut file)?;
        let request = json!({
            "content_length": length,
            "content_type": content_type,
            "checksum_sha256": checksum.to_base64(),
            "filename": path.file_name().map(|name| name.to_string_lossy()),
        });
        let ticket: Ticket = self.send("POST", "/v1/uploads", Some(&request))?;
        match ticket.upload {
            Upload::Whole { method, url, headers } => {
                self.put(&method, &url, &headers, &mut file, 0, length)?;
                sent(length);
            }
            Upload::Parts(parts) => self.send_parts(&ticket.image_id, parts, &mut file, sent)?,
        }
        Ok(ticket.image_id)
    }

    /// Sends one part after the other, and says that they are all.
    fn send_parts(
        &self,
        id: &str,
        mut urls: Parts,
        file: &mut File,
        sent: &mut dyn FnMut(u64),
    ) -> Answer<()> {
        let mut done = Vec::new();
        for at in 0..urls.parts.len() {
            let mut tries = 1;
            loop {
                let Part { number, url, headers, offset, length } = &urls.parts[at];
                match self.put("PUT", url, headers, file, *offset, *length) {
                    Ok(answer) => {
                        let etag = answer.headers().get("etag").and_then(|it| it.to_str().ok());
                        done.push(json!({ "number": number, "etag": etag }));
                        sent(*length);
                        break;
                    }
                    Err(ClientError::File(error)) => return Err(error.into()),
                    Err(error) if tries == TRIES => return Err(error),
                    Err(_) => {
                        thread::sleep(Duration::from_secs(tries.into()));
                        tries += 1;
                        // The URLs may have ended meanwhile.
                        let path = format!("/v1/uploads/{id}/parts");
                        let again: Parts = self.send("POST", &path, None)?;
                        if again.parts.len() == urls.parts.len() {
                            urls = again;
                        }
                    }
                }
            }
        }
        let path = format!("/v1/uploads/{id}/complete");
        self.send::<Value>("POST", &path, Some(&json!({ "parts": done }))).map(drop)
    }

    fn put(
        &self,
        method: &str,
        url: &str,
        headers: &Map<String, Value>,
        file: &mut File,
        offset: u64,
        length: u64,
    ) -> Answer<Response<Body>> {
        file.seek(SeekFrom::Start(offset))?;
        let mut put = Request::builder().method(method).uri(url).header("content-length", length);
        for (name, value) in headers {
            put = put.header(name, value.as_str().unwrap_or_default());
        }
        self.run(url, put.body(SendBody::from_reader(&mut file.take(length))))
    }
}

/// The checksum of a file and the type of its first bytes.
fn read_through(file: &mut File) -> io::Result<(Sha256, &'static str)> {
    let mut hash = sha2::Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    let mut content_type = None;
    loop {
        let count = file.read(&mut chunk)?;
        // What it is called does not matter, what it begins with does. What we do not know is sent
        // all the same: it is the server that decides.
        content_type.get_or_insert_with(|| {
            Format::sniff(&chunk[..count]).map_or("application/octet-stream", Format::media_type)
        });
        if count == 0 {
            return Ok((Sha256(hash.finalize().into()), content_type.unwrap_or_default()));
        }
        hash.update(&chunk[..count]);
    }
}
