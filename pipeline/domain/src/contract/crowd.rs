//! Doing things at the same time.

use std::{future::Future, sync::Arc};

use tokio::sync::Barrier;

use super::Finding;

/// Runs `many` tasks that start together, and answers what each came to, in order.
pub(super) async fn at_once<T, F>(many: usize, task: impl Fn(usize) -> F) -> Result<Vec<T>, Finding>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(many));
    let tasks: Vec<_> = (0..many)
        .map(|n| {
            let (start, work) = (start.clone(), task(n));
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(many);
    for task in tasks {
        let lost = |lost| Finding::Violated(format!("the adapter did not live: {lost}"));
        answers.push(task.await.map_err(lost)?);
    }
    Ok(answers)
}
