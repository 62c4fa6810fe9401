//! Clients that we did not write: boto3, curl, and a browser on our page.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    cloud_home::{CloudHome, count_images, say},
    house::PATIENCE,
};
use crate::{
    harness::{client::terms, home::Terms, pictures::large, root},
    report::{self, Lack},
};

/// Runs a program, which must succeed; answers what it said.
async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Output { status, stdout, stderr } = output.unwrap_or_else(|error| panic!("{error}"));
    let (said, log) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}: {said}{log}");
    said.into_owned()
}

fn picture(folder: &Path) -> PathBuf {
    let file = folder.join("landscape.jpg");
    std::fs::write(&file, large()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn boto3_uploads_adopts_and_reads() {
    count_images("by boto3", 2);
    let home = CloudHome::start(Terms::USUAL).await;
    let folder = tempfile::tempdir().unwrap();
    let buckets = &home.home.stack.buckets;
    let mut python = Command::new(root().join(".venv/bin/python"));
    python
        .arg(root().join("pipeline/cloud/tests/clients/boto3_client.py"))
        .args([&home.home.url, &home.home.key, &home.home.proxy.url, &buckets.media])
        .arg(buckets.adopted.as_ref().unwrap())
        .arg(picture(folder.path()));
    say(run(python).await.trim());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn curl_uploads_follows_and_fetches() {
    count_images("by curl", 1);
    let home = CloudHome::start(Terms::USUAL).await;
    let folder = tempfile::tempdir().unwrap();
    let file = picture(folder.path());
    let curl = |arguments: Vec<String>| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail"]).args(arguments);
        run(curl)
    };
    let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (url, key) = (&home.home.url, format!("Authorization: Bearer {}", home.home.key));
    let wanted = terms(large(), "image/jpeg").to_string();
    let create = words(&["--header", &key, "--json", &wanted, &format!("{url}/v1/uploads")]);
    let created: Value = serde_json::from_str(&curl(create).await).unwrap();
    let upload = &created["upload"];
    let mut put =
        words(&["--upload-file", &file.display().to_string(), upload["url"].as_str().unwrap()]);
    for (name, value) in upload["headers"].as_object().unwrap() {
        put.extend(words(&["--header", &format!("{name}: {}", value.as_str().unwrap())]));
    }
    curl(put).await;
    let image = created["image_url"].as_str().unwrap();
    // As it goes on, until it has ended.
    let mut heard = String::new();
    for _ in 0..20 {
        heard += &curl(words(&["--no-buffer", "--header", &key, &format!("{image}/events")])).await;
        if heard.contains("\"status\":\"ready\"") {
            break;
        }
    }
    assert!(heard.contains("event: status") && heard.contains("\"status\":\"ready\""), "{heard}");
    let record: Value =
        serde_json::from_str(&curl(words(&["--header", &key, image])).await).unwrap();
    // By content negotiation, and by the URL that never changes.
    let id = created["image_id"].as_str().unwrap();
    let served = folder.path().join("small");
    let fetch = |url: String, accept: &str| {
        curl(words(&[
            "--location",
            "--header",
            &format!("Accept: {accept}"),
            "--output",
            &served.display().to_string(),
            &url,
        ]))
    };
    fetch(format!("{url}/i/{id}/small"), "image/webp,*/*").await;
    let small = |format: &str| {
        let variants = record["variants"].as_array().unwrap();
        variants.iter().find(|one| one["name"] == "small" && one["format"] == format).unwrap()
    };
    let digest = || json!(domain::Sha256::of(&std::fs::read(&served).unwrap()).to_string());
    assert_eq!(digest(), small("webp")["sha256"]);
    fetch(small("jpeg")["url"].as_str().unwrap().to_owned(), "*/*").await;
    assert_eq!(digest(), small("jpeg")["sha256"]);
}

/// The page comes from the API, and what it uploads goes to the bucket's own address: another origin.
/// Moto takes more than its rules allow, so what they refuse is not shown by this.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_browser_uploads_across_origins() {
    const TEST: &str = "a browser on the cloud home's page";
    let modules = root().join("web/node_modules/playwright-core");
    let on_path = |name: &str| {
        env::split_paths(&env::var_os("PATH")?).map(|f| f.join(name)).find(|f| f.is_file())
    };
    let Some(chromium) = on_path("chromium").or_else(|| on_path("chromium-browser")) else {
        return report::not_run(TEST, Lack::Tool("chromium", "chromium"));
    };
    if on_path("node").is_none() || !modules.exists() {
        return report::not_run(
            TEST,
            Lack::Tool("node with web/node_modules", "nodejs npm, then npm ci in web"),
        );
    }
    count_images("by a browser", 2);
    let home = CloudHome::start(Terms::USUAL).await;
    let folder = tempfile::tempdir().unwrap();
    picture(folder.path());
    std::fs::write(folder.path().join("second.jpg"), crate::harness::pictures::small()).unwrap();
    let mut node = Command::new("timeout");
    node.arg(Duration::from_mins(3).as_secs().to_string())
        .arg("node")
        .arg(root().join("web/tests/cloud.mjs"))
        .env("PAGE_URL", &home.home.url)
        .env("PAGE_KEY", &home.home.key)
        .env("PAGE_OBJECTS", &home.home.proxy.url)
        .env("PAGE_PICTURES", folder.path())
        .env("PAGE_CHROMIUM", chromium);
    run(node).await;
    let ready = home.client.until_ready(2, PATIENCE).await;
    let names: Vec<_> = ready.values().map(|record| record["filename"].clone()).collect();
    assert!(names.contains(&json!("landscape.jpg")), "{names:?}");
}
