//! Variants that are made when somebody asks for them, by the real program.

use std::{fs, path::Path, thread, time::Duration};

use serde_json::Value;

use super::{
    pictures::photograph,
    server::{Client, Server, darkroom},
};

const MINUTE: Duration = Duration::from_mins(1);

const PRESETS: &str = "
[variants.small]
width = 50
formats = ['jpeg']
[variants.hero]
width = 240
formats = ['avif', 'webp', 'jpeg']
when = 'request'
";

fn presets(folder: &Path, text: &str) -> String {
    let file = folder.join("presets.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Status and `Location`, not followed.
fn lead(client: &Client, path: &str, accept: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into();
    let url = format!("{}{path}", client.url);
    let answer = agent.get(url).header("accept", accept).call().unwrap();
    let location = answer.headers().get("location").unwrap().to_str().unwrap().to_owned();
    (answer.status().as_u16(), location)
}

fn names(record: &Value) -> Vec<String> {
    let variants = record["variants"].as_array().unwrap().iter();
    variants
        .map(|one| format!("{}.{}", one["name"].as_str().unwrap(), one["format"].as_str().unwrap()))
        .collect()
}

#[test]
fn the_first_who_asks_is_led_to_what_is_made_for_them() {
    let home = tempfile::tempdir().unwrap();
    let file = presets(home.path(), PRESETS);
    let server = Server::start(&home.path().join("data"), &["--presets", &file]);
    let client = server.client();
    let source = photograph(1, 480, 320);
    let id = client.upload(&source);
    assert_eq!(names(&client.finished(&id, MINUTE)), ["small.jpeg"]);

    let (status, location) = lead(&client, &format!("/i/{id}/hero"), "image/webp,*/*;q=0.8");
    assert_eq!(status, 302);
    assert!(location.contains("/v/") && location.ends_with("/hero.webp"), "{location}");
    let webp = client.get(&location);
    let seen = image::load_from_memory(&webp.body).unwrap();
    assert_eq!((webp.status, seen.width(), seen.height()), (200, 240, 160));
    let again = lead(&client, &format!("/i/{id}/hero.webp"), "*/*");
    assert_eq!(again, (302, location.clone()), "it is kept");

    let record = client.record(&id);
    assert_eq!(
        (record["status"].as_str(), names(&record)),
        (Some("ready"), vec!["small.jpeg".to_owned(), "hero.webp".to_owned()])
    );
    assert_eq!(record["variants"][1]["url"], location.as_str());
    assert_eq!(record["variants"][1]["bytes"], webp.body.len());

    let answer = client.get(&format!("/i/{id}/nothing"));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("unknown_variant")));

    // Without a server they are all made, the same to the byte.
    let (picture, out) = (home.path().join("photo.jpg"), home.path().join("out"));
    fs::write(&picture, &source).unwrap();
    let [picture, out_given] = [&picture, &out].map(|path| path.to_str().unwrap());
    let arguments = ["process", picture, "--out", out_given, "--presets", &file, "--json"];
    let done = darkroom(&arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let record: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(names(&record), ["small.jpeg", "hero.avif", "hero.jpeg", "hero.webp"]);
    assert_eq!(fs::read(out.join("photo/hero.webp")).unwrap(), webp.body);
    let seen = home.path().join("seen");
    let preview = ["presets", "preview", &file, picture, "--out", seen.to_str().unwrap()];
    assert!(darkroom(&preview).output().unwrap().status.success());
    assert!(fs::read_to_string(seen.join("index.html")).unwrap().contains("src=\"hero.webp\""));
    assert_eq!(fs::read(seen.join("hero.webp")).unwrap(), webp.body);
    let check = darkroom(&["presets", "check", &file]).output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("hero: 240 × any, avif, webp, jpeg, on request"), "{said}");
}

/// Wherever it dies, the next who asks has it made: at the first request after the restart.
#[test]
fn a_killed_server_makes_it_for_the_next_who_asks() {
    const LIVES: u64 = 8;
    let home = tempfile::tempdir().unwrap();
    let variants = (0..LIVES).map(|n| {
        let width = 100 + n;
        format!("[variants.hero-{n}]\nwidth = {width}\nformats = ['avif']\nwhen = 'request'\n")
    });
    let file = presets(home.path(), &variants.collect::<String>());
    let data = home.path().join("data");
    let flags = ["--presets", file.as_str()];
    let mut server = Server::start(&data, &flags);
    let id = server.client().upload(&photograph(2, 480, 320));
    server.client().finished(&id, MINUTE);
    for n in 0..LIVES {
        let (client, path) = (server.client(), format!("/i/{id}/hero-{n}"));
        let asking = thread::spawn({
            let path = path.clone();
            move || client.ask("GET", &path, &[], &[])
        });
        thread::sleep(Duration::from_millis(3 * n * n));
        server.kill();
        asking.join().unwrap();
        server = Server::start(&data, &flags);
        let answer = server.client().get(&path);
        let kind = String::from_utf8_lossy(&answer.body).chars().take(200).collect::<String>();
        assert_eq!(answer.status, 200, "{kind}");
        assert_eq!(&answer.body[4..12], b"ftypavif");
    }
    let record = server.client().record(&id);
    assert_eq!((record["status"].as_str(), names(&record).len()), (Some("ready"), 8));
    assert_eq!(server.client().metric("darkroom_dead_letters"), 0);
}
