//! What maps queues to functions: it receives, invokes, and deletes what was done.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::lambda::Function;

/// A queue mapped to a function: batches of at most `batch`, failures stay.
pub(crate) fn map(
    sqs: &aws_sdk_sqs::Client,
    queue: &str,
    arn: &str,
    function: &Arc<Function>,
    batch: i32,
    lanes: usize,
) -> Vec<JoinHandle<()>> {
    let lane = || {
        let (sqs, queue, arn) = (sqs.clone(), queue.to_owned(), arn.to_owned());
        let function = Arc::clone(function);
        tokio::spawn(async move {
            loop {
                if let Err(why) = pump(&sqs, &queue, &arn, &function, batch).await {
                    eprintln!("{}: {why}", function.name);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        })
    };
    (0..lanes).map(|_| lane()).collect()
}

async fn pump(
    sqs: &aws_sdk_sqs::Client,
    queue: &str,
    arn: &str,
    function: &Function,
    batch: i32,
) -> Result<(), String> {
    use aws_sdk_sqs::types::MessageSystemAttributeName as Name;
    let received = sqs
        .receive_message()
        .queue_url(queue)
        .max_number_of_messages(batch)
        .wait_time_seconds(1)
        .message_system_attribute_names(Name::All)
        .send()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let messages = received.messages.unwrap_or_default();
    if messages.is_empty() {
        return Ok(());
    }
    let trace = messages[0].attributes.as_ref().and_then(|all| all.get(&Name::AwsTraceHeader));
    let trace = trace.cloned();
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let attributes: HashMap<&str, &String> = message
                .attributes
                .iter()
                .flatten()
                .map(|(name, value)| (name.as_str(), value))
                .collect();
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": message.md5_of_body,
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    let answer = function.invoke(json!({ "Records": records }), trace).await?;
    // What the answer does not name is done; a name that is no message's fails the whole batch.
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default())
        .collect();
    let ids: Vec<&str> = messages.iter().filter_map(|message| message.message_id()).collect();
    if let Some(unknown) = failed.iter().find(|id| !ids.contains(id)) {
        return Err(format!("the function names {unknown:?}, which is no message of the batch"));
    }
    for message in &messages {
        if !failed.contains(&message.message_id().unwrap_or_default()) {
            let handle = message.receipt_handle().unwrap_or_default();
            let delete = sqs.delete_message().queue_url(queue).receipt_handle(handle);
            delete.send().await.map_err(|error| format!("{error:?}"))?;
        }
    }
    Ok(())
}
