;; The Internet checksum (RFC 1071) and copies of bytes, over the memory of an arena. Nothing is checked here.
(module
  (import "env" "memory" (memory 1))

  ;; One's complement sum of 16-bit words in network order, an odd last byte as the high half of a word, and `initial`.
  ;;
  ;; Words are summed as they lie in memory, little-endian, because the sum does not depend on the byte order (RFC 1071
  ;; 2B), two at a time (2C). Neither the 32 bits of a lane nor those of all lanes together overflow: 65,535 bytes of
  ;; ones come to less than 2^31.
  (func (export "sum") (param $at i32) (param $left i32) (param $initial i32) (result i32)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local $total i32)
    (local $wide i64)

    ;; 64 bytes a round, in four sums that do not wait for each other
    (if (i32.ge_u (local.get $left) (i32.const 64)) (then
      (loop $again
        (local.set $sum0 (i32x4.add (local.get $sum0)
          (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $at)))))
        (local.set $sum1 (i32x4.add (local.get $sum1)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 (local.get $at)))))
        (local.set $sum2 (i32x4.add (local.get $sum2)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=32 (local.get $at)))))
        (local.set $sum3 (i32x4.add (local.get $sum3)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=48 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (local.set $left (i32.sub (local.get $left) (i32.const 64)))
        (br_if $again (i32.ge_u (local.get $left) (i32.const 64))))))

    (if (i32.ge_u (local.get $left) (i32.const 16)) (then
      (loop $again
        (local.set $sum0 (i32x4.add (local.get $sum0)
          (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 16)))
        (br_if $again (i32.ge_u (local.get $left) (i32.const 16))))))

    ;; what is left of a vector, with zeroes behind it
    (if (i32.ge_u (local.get $left) (i32.const 8)) (then
      (local.set $sum0 (i32x4.add (local.get $sum0)
        (i32x4.extadd_pairwise_i16x8_u (v128.load64_zero (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $left (i32.sub (local.get $left) (i32.const 8)))))
    (if (i32.ge_u (local.get $left) (i32.const 4)) (then
      (local.set $sum0 (i32x4.add (local.get $sum0)
        (i32x4.extadd_pairwise_i16x8_u (v128.load32_zero (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (local.set $left (i32.sub (local.get $left) (i32.const 4)))))

    (local.set $sum0 (i32x4.add
      (i32x4.add (local.get $sum0) (local.get $sum1))
      (i32x4.add (local.get $sum2) (local.get $sum3))))
    (local.set $total (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum0)) (i32x4.extract_lane 1 (local.get $sum0)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum0)) (i32x4.extract_lane 3 (local.get $sum0)))))
    (if (i32.ge_u (local.get $left) (i32.const 2)) (then
      (local.set $total (i32.add (local.get $total) (i32.load16_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (local.set $left (i32.sub (local.get $left) (i32.const 2)))))
    (if (local.get $left) (then
      (local.set $total (i32.add (local.get $total) (i32.load8_u (local.get $at))))))

    ;; To swap the halves of a word is to multiply it by 2^8 modulo 2^16 - 1, and to add a carry at the other end is to
    ;; reduce by that modulus, with 2^16 - 1 in place of zero unless all was zero. 40 bits are folded to 25, 17 and 16.
    (local.set $wide (i64.add
      (i64.shl (i64.extend_i32_u (local.get $total)) (i64.const 8))
      (i64.extend_i32_u (local.get $initial))))
    (local.set $total (i32.wrap_i64 (i64.add
      (i64.and (local.get $wide) (i64.const 0xffff))
      (i64.shr_u (local.get $wide) (i64.const 16)))))
    (local.set $total (i32.add
      (i32.and (local.get $total) (i32.const 0xffff))
      (i32.shr_u (local.get $total) (i32.const 16))))
    (i32.add
      (i32.and (local.get $total) (i32.const 0xffff))
      (i32.shr_u (local.get $total) (i32.const 16))))

  ;; Copies bytes; the places may overlap.
  (func (export "copy") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length))))
