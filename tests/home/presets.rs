//! A presets file that changes while the server runs, and the pictures that it names.

use std::{fs, io::Cursor, path::Path, time::Duration};

use image::{ImageFormat, Rgba, RgbaImage};
use serde_json::Value;

use super::{
    pictures::photograph,
    server::{Client, Server, darkroom, wait_for},
};

const MINUTE: Duration = Duration::from_mins(1);

/// A red square that is seen as it is.
fn logo() -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbaImage::from_pixel(8, 8, Rgba([255, 0, 0, 255]))
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

fn write(folder: &Path, text: &str) -> String {
    let file = folder.join("presets.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn names(record: &Value) -> Vec<String> {
    let variants = record["variants"].as_array().unwrap();
    variants
        .iter()
        .map(|one| format!("{}.{}", one["name"].as_str().unwrap(), one["format"].as_str().unwrap()))
        .collect()
}

fn ready(client: &Client, seed: u64) -> Value {
    let record = client.finished(&client.upload(&photograph(seed, 300, 200)), MINUTE);
    assert_eq!(record["status"], "ready", "{record:#}");
    record
}

fn fetch(client: &Client, record: &Value) -> Vec<u8> {
    let url = record["variants"][0]["url"].as_str().unwrap();
    let answer = client.get(url.strip_prefix(&client.url).unwrap());
    assert_eq!(answer.status, 200, "{url}");
    answer.body
}

#[test]
fn a_change_holds_from_then_on_and_old_urls_stay() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "[variants.one]\nwidth = 50\nformats = [\"png\"]\n");
    let server = Server::start(&home.path().join("data"), &["--presets", &file]);
    let client = server.client();
    let before = ready(&client, 1);
    assert_eq!(names(&before), ["one.png"]);
    let kept = fetch(&client, &before);

    write(home.path(), "[variants.one]\nwidth = = 50\n");
    wait_for("the mistake is said", MINUTE, || {
        server.log().contains("the presets stay as they were").then_some(())
    });
    assert!(server.log().contains("line 2"), "{}", server.log());
    assert_eq!(names(&ready(&client, 2)), ["one.png"]);

    fs::write(home.path().join("logo.png"), logo()).unwrap();
    let effects = "effects = [{ watermark = { image = \"logo.png\", position = \"centre\" } }]";
    write(
        home.path(),
        &format!("[variants.one]\nwidth = 60\nformats = [\"png\", \"gif\"]\n{effects}\n"),
    );
    wait_for("the change is said", MINUTE, || {
        server.log().contains("new presets hold").then_some(())
    });
    let after = ready(&client, 3);
    assert_eq!(names(&after), ["one.gif", "one.png"]);
    let seen = fetch(
        &client,
        &Value::from_iter([("variants", Value::from(vec![after["variants"][1].clone()]))]),
    );
    let seen = image::load_from_memory(&seen).unwrap().to_rgb8();
    assert_eq!(seen.dimensions(), (60, 40));
    assert!(seen.pixels().any(|pixel| pixel.0 == [255, 0, 0]), "the logo, laid over by a worker");
    assert_eq!(fetch(&client, &before), kept, "what a URL shows never changes");
}

#[test]
fn a_preview_shows_every_variant_on_a_page() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "[variants.one]\nwidth = 50\nformats = [\"png\", \"avif\"]\n");
    let picture = home.path().join("photo.jpg");
    fs::write(&picture, photograph(4, 300, 200)).unwrap();
    let out = home.path().join("out");
    let [picture, out_given] = [&picture, &out].map(|path| path.to_str().unwrap());
    let done =
        darkroom(&["presets", "preview", &file, picture, "--out", out_given]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    for name in ["one.png", "one.avif"] {
        assert!(page.contains(&format!("src=\"{name}\" width=50 height=33")), "{page}");
        assert!(!fs::read(out.join(name)).unwrap().is_empty());
    }
}

#[test]
fn the_schema_is_json() {
    let done = darkroom(&["presets", "schema"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
