//! Bounds on what a template and a run may cost. The defaults are the documented limits of the service
//! (service-model 2.8) or, where none is published, our choice (template-language 1.3).

/// CHOICE: bytes of a regular expression; far beyond what a person writes, small enough to compile in no time.
pub(crate) const PATTERN_BYTES: usize = 16_384;

/// CHOICE: bytes of a compiled regular expression: room for every counted repetition that names of resources need.
pub(crate) const COMPILED_PATTERN_BYTES: usize = 512 << 10;

/// See the fields; [`Limits::default`] is the service, [`Limits::unlimited`] is for embedders who know better.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of template text.
    pub template_bytes: usize,
    /// Nesting of the document; the deepest official template has 35.
    pub document_depth: usize,
    /// Tasks of one template.
    pub tasks: usize,
    /// Parameters of one template.
    pub parameters: usize,
    /// Nesting of functions.
    pub function_depth: usize,
    /// Nesting of templates, root included.
    pub template_depth: usize,
    /// Items of one loop.
    pub loop_items: usize,
    /// Task starts of one execution, loop items not counted: the guard against endless jumps.
    pub steps: u64,
    /// Results of one selector.
    pub selector_results: usize,
    /// Evaluation steps of one selector run.
    pub selector_steps: u64,
    /// Backtracking steps of one regular expression match.
    pub regex_steps: usize,
    /// Bytes of one evaluated value.
    pub value_bytes: usize,
    /// Executions that run at once; more are `Queued`.
    pub concurrent_executions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            template_bytes: 65_536,
            document_depth: 64,
            tasks: 100,
            parameters: 200,
            function_depth: 32,
            template_depth: 10,
            loop_items: 1_000,
            steps: 10_000,
            selector_results: 100_000,
            selector_steps: 10_000_000,
            regex_steps: 1_000_000,
            value_bytes: 64 << 20,
            concurrent_executions: 100,
        }
    }
}

impl Limits {
    /// The service's documented limits lifted; the guards against runaway work stay.
    pub fn unlimited() -> Self {
        Self {
            template_bytes: 16 << 20,
            tasks: usize::MAX,
            parameters: usize::MAX,
            loop_items: usize::MAX,
            concurrent_executions: usize::MAX,
            ..Self::default()
        }
    }
}
