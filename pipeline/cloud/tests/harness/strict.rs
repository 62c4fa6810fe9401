//! A strict S3 in this process (s3s-fs): it holds requests to what was signed, which moto does not. Its
//! `If-None-Match` is no proof of who is first in a race, which moto's is.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use cloud::{BucketStyle, Buckets, Clients, CloudObjects};
use domain::Clock;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{net::TcpListener, task::JoinHandle};

/// It, and objects in it.
pub(crate) struct Strict {
    pub(crate) clients: Clients,
    pub(crate) buckets: Buckets,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Drop for Strict {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Strict {
    pub(crate) async fn start() -> Strict {
        let folder = tempfile::tempdir().unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("access", "secret"));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    // A client that breaks off is none of our business.
                    drop(http.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "access", "secret", None, None, "test",
            )))
            .endpoint_url(url)
            .build();
        let clients = Clients::new(&config, BucketStyle::Path);
        let buckets =
            Buckets { uploads: "uploads".to_owned(), media: "media".to_owned(), adopted: None };
        for bucket in [&buckets.uploads, &buckets.media] {
            clients.s3.create_bucket().bucket(bucket).send().await.unwrap();
        }
        Strict { clients, buckets, task, _folder: folder }
    }

    pub(crate) fn objects(&self, clock: Arc<dyn Clock>) -> CloudObjects {
        CloudObjects::new(self.clients.s3.clone(), self.buckets.clone(), clock)
    }
}
