//! Node → expression, with every name resolved.

use super::{Expr, Names};
use crate::{
    diagnostic::Diagnostics,
    source::{Node, SourceText},
};

/// What compiling needs beside the node.
pub struct Compiler<'a> {
    /// What names mean here.
    pub names: &'a dyn Names,
    /// The text that spans point into, to underline the very reference inside a scalar.
    pub source: Option<&'a SourceText>,
    /// Takes findings.
    pub diagnostics: &'a mut Diagnostics,
}

impl std::fmt::Debug for Compiler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// Compiles a node; `pointer` is its JSON pointer, for findings. A part with an error becomes a null literal.
pub fn compile(node: &Node, pointer: &str, _compiler: &mut Compiler<'_>) -> Expr {
    let _ = pointer;
    Expr::literal(node.to_value())
}
