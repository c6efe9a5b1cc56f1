//! Rules for the sources of a crate: limits stand in one file, and a person can read every file and function at one go.
//!
//! A rule has no list of exceptions. Where a rule would make the code worse, a comment beside the code states the reason:
//! `No limit: …` at a number that is none, `Long because: …` at a function or in the head of a file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Block, ImplItemConst, ImplItemFn, ItemConst, ItemFn, ItemMod, ItemStatic, Signature, TraitItemFn, Type,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A crate that keeps the rules.
struct Crate {
    folder: &'static str,
    /// The file with all limits of `src`, for crates whose limits others rely on.
    limits: Option<&'static str>,
}

const CRATES: [Crate; 9] = [
    Crate {
        folder: "shared",
        limits: Some("src/limits.rs"),
    },
    Crate {
        folder: "mesh",
        limits: Some("src/config.rs"),
    },
    Crate {
        folder: "client",
        limits: Some("src/config.rs"),
    },
    Crate {
        folder: "web",
        limits: Some("src/config.rs"),
    },
    Crate {
        folder: "signal",
        limits: Some("src/config.rs"),
    },
    Crate {
        folder: "terminal",
        limits: Some("src/config.rs"),
    },
    Crate {
        folder: "tests",
        limits: None,
    },
    Crate {
        folder: "bench",
        limits: None,
    },
    Crate {
        folder: "xtask",
        limits: None,
    },
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// The types of sizes, counts and durations.
const QUANTITIES: [&str; 15] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "Duration",
];

#[test]
fn limits_stand_in_one_file() {
    let mut broken = Vec::new();
    for Crate { folder, limits } in CRATES {
        let Some(limits) = limits.map(|file| root().join(folder).join(file)) else {
            continue;
        };
        assert!(limits.is_file(), "{} is missing", limits.display());
        let others = sources(&root().join(folder).join("src"));
        // A file of limits that is too long has parts in a folder of its name.
        let is_limits = |path: &Path| path == limits || path.starts_with(limits.with_extension(""));
        for source in others.iter().filter(|source| !is_limits(&source.path)) {
            broken.extend(source.shape().limits.iter().map(|limit| {
                let place = source.place(limit.line);
                format!(
                    "{place}: {} belongs into {}, or has a `No limit: …`",
                    limit.name,
                    limits.display()
                )
            }));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_file_is_at_most_500_lines_and_a_function_at_most_70() {
    let mut broken = Vec::new();
    for source in CRATES.iter().flat_map(|each| sources(&root().join(each.folder))) {
        let shape = source.shape();
        if shape.lines > FILE_LINES_MAX && !source.text.lines().any(|line| line.starts_with("//! Long because: ")) {
            broken.push(format!("{}: {} lines", source.path.display(), shape.lines));
        }
        broken.extend(shape.long_functions.iter().map(|function| {
            let place = source.place(function.line);
            format!("{place}: `{}` has {} lines", function.name, function.lines)
        }));
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn files_have_names_of_their_own() {
    let mut broken = Vec::new();
    for source in CRATES.iter().flat_map(|each| sources(&root().join(each.folder))) {
        let path = source.path.display();
        if source.path.ends_with("mod.rs") {
            broken.push(format!("{path}: write the module as a file beside its folder"));
        }
        let stem = source.path.file_stem().unwrap_or_default().to_string_lossy();
        if source.path.with_file_name(format!("{stem}s.rs")).exists() {
            broken.push(format!("{path}: another file differs only by an `s`"));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// The rules find what they are for.
#[test]
fn a_limit_and_a_long_function_are_found() {
    let long = |reason: &str| {
        format!(
            "fn long() {{\n{reason}\n{}}}\n",
            "    one();\n".repeat(FUNCTION_LINES_MAX)
        )
    };
    let text = format!(
        "pub const QUEUE_MAX: usize = 8;\n\
         impl Layer {{ const PAUSE: std::time::Duration = SECOND; }}\n\
         fn inside() {{ const RATIO: f64 = 0.5; }}\n\
         const NAME: &str = \"no quantity\";\n\
         /// A version.\n\
         // No limit: a number on the wire.\n\
         const VERSION: u16 = 1;\n\
         const AFTER_IT: u16 = 2;\n\
         {}{}\
         #[cfg(test)]\n\
         mod tests {{\n    const SEEDS: u64 = 3;\n}}\n",
        long(""),
        long("    // Long because: one case a line."),
    );
    let lines = text.lines().count();
    let source = Source {
        path: PathBuf::from("planted.rs"),
        text,
    };
    let shape = source.shape();
    let limits: Vec<&str> = shape.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(limits, ["QUEUE_MAX", "PAUSE", "RATIO", "AFTER_IT"]);
    let long: Vec<_> = shape
        .long_functions
        .iter()
        .map(|function| (function.name.as_str(), function.line))
        .collect();
    assert_eq!(long, [("long", 9)]);
    // The three lines of the module and its attribute do not count.
    assert_eq!(shape.lines, lines - 4);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a crate is a folder of the workspace")
}

/// A file that is no unit test.
struct Source {
    path: PathBuf,
    text: String,
}

/// All sources below `folder`, without files of unit tests: those called `tests` in `src`.
fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder can be read to its end").path();
            let is_in_src = path.ancestors().skip(1).any(|above| above.ends_with("src"));
            if is_in_src && path.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "{} has no sources", folder.display());
    found
}

/// The facts that the rules look at.
#[derive(Debug, Default)]
struct Shape {
    /// Lines without the modules of unit tests.
    lines: usize,
    limits: Vec<Limit>,
    long_functions: Vec<Function>,
}

#[derive(Debug)]
struct Limit {
    name: String,
    line: usize,
}

#[derive(Debug)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

impl Source {
    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    fn shape(&self) -> Shape {
        let file = syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        let mut reader = Reader {
            text: self.text.lines().collect(),
            test_lines: BTreeSet::new(),
            shape: Shape::default(),
        };
        reader.visit_file(&file);
        reader.shape.lines = reader.text.len() - reader.test_lines.len();
        reader.shape
    }
}

/// Walks through a file. The arguments of a macro are not looked into.
struct Reader<'a> {
    text: Vec<&'a str>,
    test_lines: BTreeSet<usize>,
    shape: Shape,
}

impl Reader<'_> {
    /// Whether an item, or the comment directly above the item, says `words`.
    fn says(&self, item: &impl Spanned, words: &str) -> bool {
        let (first, last) = (item.span().start().line - 1, item.span().end().line);
        let is_comment = |line: &&&str| line.trim_start().starts_with("//");
        let above = self.text[..first].iter().rev().take_while(is_comment);
        self.text[first..last]
            .iter()
            .chain(above)
            .any(|line| line.contains(words))
    }

    fn constant(&mut self, item: &impl Spanned, name: &syn::Ident, kind: &Type) {
        let last = if let Type::Path(path) = kind {
            path.path.segments.last()
        } else {
            None
        };
        let is_quantity = last
            .map(|last| last.ident.to_string())
            .is_some_and(|last| QUANTITIES.contains(&last.as_str()) || last.starts_with("NonZero"));
        if is_quantity && !self.says(item, "// No limit: ") {
            let line = name.span().start().line;
            let name = name.to_string();
            self.shape.limits.push(Limit { name, line });
        }
    }

    fn function(&mut self, item: &impl Spanned, signature: &Signature, body: &Block) {
        let first = signature.span().start().line;
        let lines = body.span().end().line - first + 1;
        if lines > FUNCTION_LINES_MAX && !self.says(item, "// Long because: ") {
            self.shape.long_functions.push(Function {
                name: signature.ident.to_string(),
                line: first,
                lines,
            });
        }
    }
}

fn is_unit_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| {
            attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|argument| argument.is_ident("test"))
        })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_unit_test(&item.attrs) {
            self.test_lines
                .extend(item.span().start().line..=item.span().end().line);
        } else {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.constant(item, &item.ident, &item.ty);
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.constant(item, &item.ident, &item.ty);
    }

    fn visit_impl_item_const(&mut self, item: &'ast ImplItemConst) {
        self.constant(item, &item.ident, &item.ty);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(item, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(item, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(item, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
