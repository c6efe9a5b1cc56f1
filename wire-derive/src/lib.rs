//! `#[derive(Decode)]` for what peers write, by the attributes of `minicbor`'s derive.
//!
//! That one writes out a loop, a table and an error's text for each type, and each field in it: a third of the app's code. This one calls one
//! reader of fields, `crate::wire::fields`, field after field. So it is for the crate `mesh` alone. The bytes are the same; `minicbor` still derives `Encode`.
//!
//! For structs and enums with numbered fields. Those that are one number, or one value, (`#[cbor(index_only)]`, `#[cbor(transparent)]`) cost
//! nothing with `minicbor`'s own derive.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, LitInt, Result, Type, Variant, parse_macro_input, spanned::Spanned,
};

/// Implements `minicbor::Decode` for a struct or an enum whose fields are numbered from 0 in the order in which they stand.
///
/// Numbers are those of `#[n(0)]` and `#[b(0)]`. A field under `#[cbor(skip)]` is its default. Fields behind the last are those of a later
/// version, and skipped; one that is absent is `None` if it is an `Option`.
#[proc_macro_derive(Decode, attributes(n, b, cbor))]
pub fn derive_decode(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    decode(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn decode(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let body = match &input.data {
        Data::Struct(data) => read(&quote!(Self), &data.fields)?,
        Data::Enum(data) => {
            let arms = data.variants.iter().map(arm).collect::<Result<Vec<_>>>()?;
            quote! {
                match crate::wire::fields::variant(decoder)? {
                    #(#arms)*
                    other => Err(minicbor::decode::Error::unknown_variant(other)),
                }
            }
        }
        Data::Union(_) => return Err(Error::new(name.span(), "a union has no numbered fields")),
    };
    // What is borrowed is borrowed from the bytes.
    let bytes = input
        .generics
        .lifetimes()
        .next()
        .map_or_else(|| quote!('bytes), |lifetime| quote!(#lifetime));
    let (_, ty, _) = input.generics.split_for_impl();
    Ok(quote! {
        impl<#bytes> minicbor::Decode<#bytes, ()> for #name #ty {
            fn decode(
                decoder: &mut minicbor::Decoder<#bytes>,
                (): &mut (),
            ) -> ::core::result::Result<Self, minicbor::decode::Error> {
                #body
            }
        }
    })
}

fn arm(variant: &Variant) -> Result<TokenStream> {
    let number = number(&variant.attrs)?.ok_or_else(|| Error::new(variant.span(), "a variant needs a number"))?;
    let ident = &variant.ident;
    let read = read(&quote!(Self::#ident), &variant.fields)?;
    Ok(quote!(#number => { #read }))
}

/// Reads all fields and makes a value of them.
fn read(constructor: &TokenStream, fields: &Fields) -> Result<TokenStream> {
    let (mut reads, mut inits) = (Vec::new(), Vec::new());
    let mut expected = 0;
    for (place, field) in fields.iter().enumerate() {
        let local = format_ident!("field_{place}");
        let init = match &field.ident {
            Some(ident) => quote!(#ident: #local),
            None => quote!(#local),
        };
        inits.push(init);
        match number(&field.attrs)? {
            Some(number) if number == expected => {
                expected += 1;
                let next = if is_option(&field.ty) {
                    quote!(next_if_any)
                } else {
                    quote!(next)
                };
                reads.push(quote!(let #local = fields.#next()?;));
            }
            None if field.attrs.iter().any(is_skip) => {
                reads.push(quote!(let #local = ::core::default::Default::default();));
            }
            _ => {
                return Err(Error::new(
                    field.span(),
                    format!("this field should have the number {expected}"),
                ));
            }
        }
    }
    let made = match fields {
        Fields::Named(_) => quote!(#constructor { #(#inits),* }),
        Fields::Unnamed(_) => quote!(#constructor(#(#inits),*)),
        Fields::Unit => quote!(#constructor),
    };
    if matches!(fields, Fields::Unit) {
        return Ok(quote! {
            crate::wire::fields::skip(decoder)?;
            Ok(#made)
        });
    }
    let mutable = (expected > 0).then(|| quote!(mut));
    Ok(quote! {
        let #mutable fields = crate::wire::fields::Fields::begin(decoder)?;
        #(#reads)*
        fields.end()?;
        Ok(#made)
    })
}

/// The number in `#[n(…)]` or `#[b(…)]`.
fn number(attributes: &[Attribute]) -> Result<Option<i64>> {
    let numbered = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("n") || attribute.path().is_ident("b"));
    numbered
        .map(|attribute| attribute.parse_args::<LitInt>()?.base10_parse())
        .transpose()
}

/// Whether it is written `Option<…>`.
fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}

fn is_skip(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cbor") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "skip")
}
