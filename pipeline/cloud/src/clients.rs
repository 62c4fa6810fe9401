//! The clients of AWS: how long they wait, how often they try, and where they find it.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

const CONNECT: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(25);

/// One client a service, all with the same credentials.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// The catalog.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
}

/// Whether the name of a bucket stands in the host or in the path of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketStyle {
    /// As AWS has it.
    Host,
    /// As emulators and other implementations of S3 have it.
    Path,
}

impl Clients {
    /// As the environment says: region, credentials and endpoints by the SDK's own variables.
    pub async fn from_env(style: BucketStyle) -> Self {
        let http = http();
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        Self::over(http, &loader.load().await, style)
    }

    /// The same, from a configuration.
    pub fn new(config: &SdkConfig, style: BucketStyle) -> Self {
        Self::over(http(), config, style)
    }

    fn over(http: SharedHttpClient, config: &SdkConfig, style: BucketStyle) -> Self {
        let config = config
            .clone()
            .into_builder()
            // A queue has more patience than we: what does not come to be in a few tries goes back.
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).build(),
            )
            .http_client(http)
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(style == BucketStyle::Path)
            .build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        }
    }
}

/// What carries the requests of all services. The SDK's own would be one a service, and each would read and
/// parse the system's certificates anew, twice: most of what a function's start used to take.
fn http() -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ);
    let connector = Connector::builder()
        .connector_settings(settings.build())
        .sleep_impl(TokioSleep::new())
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}
