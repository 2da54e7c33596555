//! The program behind `legacy.txt` and `v0.txt`: its frames as rustc 1.95 names them, built with
//! `rustc --edition 2024 -Cdebuginfo=1 -Zunstable-options -Csymbol-mangling-version=legacy` (or `v0`) and run.

use std::backtrace::Backtrace;
mod sync {
    pub trait Store {
        fn put(&self, n: u32) -> String;
        fn def(&self) -> String {
            self.put(3)
        }
    }
    pub struct Queue<T>(pub T);
    impl<T: Clone> Store for Queue<Vec<T>> {
        #[inline(never)]
        fn put(&self, n: u32) -> String {
            let f = move |x: u32| inner::<u8, [u32; 3]>(x + n);
            f(1)
        }
    }
    #[inline(never)]
    pub fn inner<A, B>(x: u32) -> String {
        let _ = (std::mem::size_of::<A>(), std::mem::size_of::<B>(), x);
        std::hint::black_box(super::trace())
    }
    impl<T> Queue<T> {
        #[inline(never)]
        pub fn push<U>(&self, f: impl Fn(u32) -> String, _u: U) -> String {
            std::hint::black_box(f(2))
        }
    }
    pub fn closures() -> String {
        let a = || {
            let b = |s: &dyn Store| {
                let r = s.def();
                std::hint::black_box(r)
            };
            b(&Queue(vec![1u8]))
        };
        std::hint::black_box(a())
    }
}
struct Odd<'a, const N: usize>(&'a [u8; N]);
impl<'a, const N: usize> sync::Store for &'a Odd<'a, N> {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        std::hint::black_box(sync::Queue(self.0).push(|_| sync::closures(), (1u8, "x")))
    }
}
impl sync::Store for fn(u8) -> u8 {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        let o = Odd(&[1, 2]);
        std::hint::black_box((&o).def())
    }
}
impl sync::Store for (u8, dyn_::D) {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        let f: fn(u8) -> u8 = |x| x;
        std::hint::black_box(f.put(1))
    }
}
impl sync::Store for Box<dyn Fn(u8) -> u8 + Send> {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        std::hint::black_box((1u8, dyn_::D).put(1))
    }
}
impl sync::Store for [u8] {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        let b: Box<dyn Fn(u8) -> u8 + Send> = Box::new(|x| x);
        std::hint::black_box(b.put(1))
    }
}
impl sync::Store for str {
    #[inline(never)]
    fn put(&self, _n: u32) -> String {
        std::hint::black_box([1u8][..].put(1))
    }
}
mod dyn_ {
    pub struct D;
    impl Drop for D {
        fn drop(&mut self) {
            if std::env::var("DROP").is_ok() {
                println!("{}", super::trace())
            }
        }
    }
    impl D {
        pub fn new() -> Self {
            D
        }
        pub fn kids(&self) -> String {
            (0..1)
                .map(|_| "s".to_owned())
                .map(|s| {
                    use super::sync::Store;
                    s.as_str().put(1)
                })
                .collect::<Vec<_>>()
                .join("")
        }
    }
}
#[inline(never)]
fn trace() -> String {
    Backtrace::force_capture().to_string()
}
fn main() {
    let d = dyn_::D::new();
    let text = std::thread::Builder::new()
        .spawn(move || std::panic::catch_unwind(|| d.kids()).unwrap())
        .unwrap()
        .join()
        .unwrap();
    println!("{text}");
}
