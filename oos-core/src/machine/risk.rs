//! Which calls wait for a confirmation when an execution asks for that.

use std::fmt;

/// Which API calls are high-risk (service-model 3.5).
pub trait RiskPolicy: fmt::Debug + Send + Sync + 'static {
    /// True when a call of `api` of `service` waits for a confirmation; `risk` is the task's `Risk` property.
    fn is_high(&self, service: &str, api: &str, risk: &str) -> bool;
}

/// The default: by the verb of the API's name. CHOICE: the list of service-model 3.5; the service publishes none.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerbRisk;

impl RiskPolicy for VerbRisk {
    fn is_high(&self, _service: &str, api: &str, risk: &str) -> bool {
        const VERBS: [&str; 17] = [
            "Delete",
            "Release",
            "Remove",
            "Terminate",
            "Destroy",
            "Stop",
            "Reboot",
            "Restart",
            "Reset",
            "ReInit",
            "Replace",
            "Revoke",
            "Detach",
            "Unassociate",
            "Disassociate",
            "Flush",
            "Abolish",
        ];
        if risk.eq_ignore_ascii_case("Normal") {
            return false;
        }
        let starts = |verb: &&str| api.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb));
        risk.eq_ignore_ascii_case("High") || VERBS.iter().any(starts)
    }
}
