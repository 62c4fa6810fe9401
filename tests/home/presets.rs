//! A presets file that changes while the server runs, and the pictures that it names.

use std::{fs, io::Cursor, os::unix::fs::symlink, path::Path, sync::Arc, time::Duration};

use domain::{Key, Objects as _, Sha256, memory::MemoryObjects, signing::Signer};
use image::{ImageFormat, Rgba, RgbaImage};
use local::presets::{Live, read};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    pictures::photograph,
    server::{Client, Server, darkroom, wait_for},
};

const MINUTE: Duration = Duration::from_mins(1);

/// A variant with a logo.
const MARKED: &str = "[variants.marked]\nwidth = 60\nformats = [\"png\"]\n\
                      effects = [{ watermark = { image = \"logo.png\" } }]\n";

/// A red square that is seen as it is.
fn logo() -> Vec<u8> {
    square([255, 0, 0, 255])
}

fn square(colour: [u8; 4]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbaImage::from_pixel(8, 8, Rgba(colour)).write_to(&mut file, ImageFormat::Png).unwrap();
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

/// A command's exit code, and what it complained of.
fn ended(arguments: &[&str]) -> (Option<i32>, String) {
    let done = darkroom(arguments).output().unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_watermark_that_is_no_picture_is_refused_where_it_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), MARKED);
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let half = logo()[..60].to_vec();
    for (bytes, why) in [
        (b"this is text, however long".to_vec(), "does not begin as any picture"),
        (half, "ends"),
        (b"GIF89a\x08\0\x08\0\0\0\0;".to_vec(), "It is GIF; PNG, JPEG and WebP are taken"),
    ] {
        fs::write(home.path().join("logo.png"), bytes).unwrap();
        for (code, arguments) in [
            (1, &["presets", "check", &file][..]),
            (2, &["serve", "--listen", "127.0.0.1:0", "--data", data, "--presets", &file]),
        ] {
            let (ended, said) = ended(arguments);
            assert_eq!(ended, Some(code), "{said}");
            for word in ["line 4", "watermark.image", "logo.png", why] {
                assert!(said.contains(word), "{arguments:?}: {said} lacks {word}");
            }
        }
    }
    fs::write(home.path().join("logo.png"), logo()).unwrap();
    assert_eq!(ended(&["presets", "check", &file]), (Some(0), String::new()));
}

/// What changes while the server starts, or stands beside the file of presets, counts as well.
#[tokio::test]
async fn every_change_after_the_reading_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "[variants.one]\nwidth = 50\nformats = [\"png\"]\n");
    let first = read(Some(Path::new(&file))).unwrap();
    write(home.path(), MARKED);
    let live = Arc::new(Live::new(Some(file.into()), first));
    let objects = Arc::new(MemoryObjects::new(Signer::new(*b"secret", "http://127.0.0.1")));
    let (_order, stop) = watch::channel(false);
    tokio::spawn({
        let (live, objects) = (Arc::clone(&live), Arc::clone(&objects));
        async move { live.follow(objects, stop).await }
    });
    // The presets changed before anybody followed, then the logo that they wait for comes, then
    // another of the same length.
    let (red, blue) = (logo(), square([0, 0, 255, 255]));
    for logo in [red, blue] {
        fs::write(home.path().join("logo.png"), &logo).unwrap();
        let key = Key::Asset { hash: Sha256::of(&logo) };
        let id = Sha256::of(&logo).to_string();
        let named = || {
            let now = live.now();
            let mut effects = now.variants.values().flat_map(|preset| &preset.effects);
            effects.any(|effect| effect.asset().is_some_and(|asset| asset.as_str() == id))
        };
        let end = tokio::time::Instant::now() + Duration::from_secs(20);
        while !named() {
            assert!(tokio::time::Instant::now() < end, "the change was not seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(objects.head(&key).await.is_ok(), "kept before it is named");
    }
}

/// A link to itself where the picture would be, which is as good as a full disk: it is gone later,
/// and nobody touches the presets again.
#[test]
fn what_cannot_be_kept_is_said_once_and_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "[variants.one]\nwidth = 50\nformats = [\"png\"]\n");
    fs::write(home.path().join("logo.png"), logo()).unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &["--presets", &file]);
    let obstacle = data.join("objects/a").join(Sha256::of(&logo()).to_string());
    symlink(&obstacle, &obstacle).unwrap();
    write(home.path(), MARKED);
    let said = || server.log().matches("the presets stay as they were").count();
    wait_for("it is said", MINUTE, || (said() > 0).then_some(()));
    // Long enough for two tries more.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(said(), 1, "{}", server.log());
    fs::remove_file(&obstacle).unwrap();
    wait_for("the change is said", MINUTE, || {
        server.log().contains("new presets hold").then_some(())
    });
    assert_eq!(names(&ready(&server.client(), 5)), ["marked.png"]);

    server.kill();
    fs::remove_file(&obstacle).unwrap();
    symlink(&obstacle, &obstacle).unwrap();
    let (data, flags) = (data.to_str().unwrap(), ["--listen", "127.0.0.1:0", "--presets", &file]);
    let (code, said) = ended(&[&["serve", "--data", data], &flags[..]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the pictures that the presets name cannot be kept"), "{said}");
    assert!(!said.contains("the database does not answer"), "{said}");
}
