//! Ids derived from keys: idempotency tokens and task execution ids. The only derivation there is (durability.md 6).

use std::{fmt::Write as _, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{ExecutionId, TaskExecutionId, ids::StepKey};

/// Name space of our tokens, made once for this project.
const NAMESPACE: uuid::Uuid = uuid::uuid!("7f0c3a9e-53b1-4a63-9c58-0d2a6b1f4e07");

/// Idempotency token of a step: a UUIDv5 over (execution, task, run, item, n), where `n` is the number of definite
/// answers of this step so far. Repeats after an unknown outcome keep it; a retry after a definite answer gets a new
/// one.
pub fn step_token(execution: &ExecutionId, key: &StepKey, definite: u32) -> Arc<str> {
    let mut name = String::with_capacity(64);
    let item = key.item.unwrap_or(0);
    let _ = write!(name, "{execution}/{}/{}/{item}/{definite}", key.task, key.run);
    uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).hyphenated().to_string().into()
}

/// Id of a task execution: `task-exec-` and 20 hexadecimal digits, `#n` for the n-th loop item (service-model 1).
pub fn task_execution_id(execution: &ExecutionId, key: &StepKey) -> TaskExecutionId {
    let digest = Sha256::digest(format!("{execution}/{}/{}", key.task, key.run).as_bytes());
    let mut id = String::from("task-exec-");
    digest.iter().take(10).for_each(|byte| {
        let _ = write!(id, "{byte:02x}");
    });
    if let Some(item) = key.item {
        let _ = write!(id, "#{item}");
    }
    TaskExecutionId::new(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(item: Option<u32>) -> StepKey {
        StepKey { task: "start".into(), run: 1, item, attempt: 1 }
    }

    #[test]
    fn tokens_differ_by_step_and_answer_and_not_by_attempt() {
        let id = ExecutionId::new("exec-1");
        let token = step_token(&id, &key(None), 0);
        assert_eq!(token, step_token(&id, &StepKey { attempt: 5, ..key(None) }, 0));
        assert_ne!(token, step_token(&id, &key(None), 1));
        assert_ne!(token, step_token(&id, &key(Some(1)), 0));
        assert_ne!(token, step_token(&ExecutionId::new("exec-2"), &key(None), 0));
        assert_eq!(token.len(), 36);
    }

    #[test]
    fn task_execution_ids_have_the_form_of_the_service() {
        let id = task_execution_id(&ExecutionId::new("exec-1"), &key(Some(3)));
        assert!(id.as_str().starts_with("task-exec-") && id.as_str().ends_with("#3"), "{id}");
        assert_eq!(id.as_str().len(), "task-exec-".len() + 20 + 2);
    }
}
