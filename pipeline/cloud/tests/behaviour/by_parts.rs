//! Long files, which come by parts: what breaks off goes on, and what is given up leaves nothing.

use std::{process::Command, time::Duration};

use serde_json::Value;

use super::{
    cloud_home::count_images,
    house::{House, PATIENCE, Plan, in_both, shown},
};
use crate::harness::{
    client::{Created, put_part, terms},
    home::Terms,
    lambda::binary,
    pictures::long,
};

const LONG: Plan = Plan { terms: Terms::LONG, flags: &[] };

fn parts(upload: &Value) -> &[Value] {
    upload["parts"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_broke_off_goes_on_with_urls_that_are_signed_again() {
    count_images("parts signed again", 1);
    let file = long();
    in_both(LONG, async |house: &dyn House| {
        let client = house.client();
        let created = client.create(terms(&file, "image/bmp")).await;
        let mut sent = vec![put_part(&parts(&created.upload)[0], &file).await.unwrap()];
        let again = format!("/v1/uploads/{}/parts", created.id);
        let (status, upload) = client.call("POST", &again, None).await;
        assert_eq!(status, 200, "{upload:#}");
        assert_eq!(upload["complete_url"], created.upload["complete_url"]);
        let renewed = Created { id: created.id.clone(), upload };
        for part in &parts(&renewed.upload)[1..] {
            sent.push(put_part(part, &file).await.unwrap());
        }
        assert_eq!(client.complete(&renewed, sent).await, Ok(created.id.clone()));
        let shown = shown(house, &created.id).await;
        assert_eq!(shown.record["status"], "ready", "{shown:?}");
        shown
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_that_nobody_joins_are_given_up() {
    const DAY: Duration = Duration::from_hours(25);
    count_images("parts given up", 1);
    let file = long();
    let terms_of = Terms { visibility: 12, timeout: Duration::from_secs(12), ..Terms::USUAL };
    in_both(Plan { terms: terms_of, ..Plan::default() }, async |house: &dyn House| {
        let client = house.client();
        let created = client.create(terms(&file, "image/bmp")).await;
        let sent = put_part(&parts(&created.upload)[0], &file).await.unwrap();
        let kept = house.stored(&created.id).await;
        assert!(!kept.is_empty() && kept.iter().all(|key| key.starts_with("u/")), "{kept:?}");
        house.lose(DAY).await;
        house.sweep().await;
        let record = client.until(&created.id, "expired", PATIENCE).await;
        let begun = tokio::time::Instant::now();
        while !house.stored(&created.id).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "parts are left");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let again = format!("/v1/uploads/{}/parts", created.id);
        let (status, said) = client.call("POST", &again, None).await;
        assert!(status >= 400, "{said:#}");
        let late = client.complete(&created, vec![sent]).await;
        assert!(late.is_err(), "{late:?}");
        (record["problem"]["code"].clone(), status, said["code"].clone())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_command_line_sends_a_long_file_by_parts() {
    count_images("by the command line", 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.bmp");
    std::fs::write(&file, long()).unwrap();
    in_both(LONG, async |house: &dyn House| {
        let mut darkroom = Command::new(binary("darkroom"));
        darkroom.arg("upload").arg(&file).args(["--endpoint", house.client().url()]).env_clear();
        if let Some(key) = house.client().key() {
            darkroom.env("DARKROOM_KEY", key);
        }
        let run = tokio::task::spawn_blocking(move || darkroom.output().unwrap()).await.unwrap();
        let (said, log) =
            (String::from_utf8(run.stdout).unwrap(), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success(), "{said}{log}");
        let id = said.split_whitespace().next().unwrap();
        let shown = shown(house, id).await;
        assert_eq!(shown.record["status"], "ready", "{shown:?}");
        assert_eq!(shown.record["source"]["bytes"], std::fs::metadata(&file).unwrap().len());
        shown
    })
    .await;
}
