;; The fast search of buzhash.ts: four windows roll at once, one in each quarter of a block, in the four lanes of a vector.
;; `deno task buzhash` assembles this into buzhash_wasm.ts; a test says whether that was done.
;;
;; Memory: 0 … 1023 the table, put there by scan_memory.ts; 1024 … 2047 scratch: what the last 64 bytes of each lane were looked up as,
;; 16 bytes (one vector) a position, in a circle; the bytes that are searched lie behind.
(module
  (import "e" "m" (memory 1 65536 shared))

  ;; Where a cut may be, looking at the windows of 64 bytes that end in ($at, $at + 4 $quarter].
  ;; $at: at least 64 bytes lie before it.  $quarter: a multiple of 4.  $mask: a hash matches if (hash & $mask) >= $mask - 2.
  ;; Gives bit n set if a window that ends in the n-th quarter matches.
  (func (export "quarters") (param $at i32) (param $quarter i32) (param $mask i32) (result i32)
    (local $hash v128) (local $enter v128) (local $greatest v128) (local $masks v128)
    (local $slot i32) (local $stop i32) (local $isWarm i32)
    (local $quarter2 i32) (local $quarter3 i32)
    (local $word0 i32) (local $word1 i32) (local $word2 i32) (local $word3 i32)

    (local.set $quarter2 (i32.mul (local.get $quarter) (i32.const 2)))
    (local.set $quarter3 (i32.mul (local.get $quarter) (i32.const 3)))
    (local.set $masks (i32x4.splat (local.get $mask)))

    ;; Nothing leaves a window while its first 64 bytes enter.
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 1024))
    (local.set $stop (local.get $at))
    (local.set $at (i32.sub (local.get $at) (i32.const 64)))

    ;; Two passes of the same loop: the first fills the windows, and what it finds does not count.
    (loop $pass
      (local.set $greatest (v128.const i32x4 0 0 0 0))
      (loop $next
        ;; Four bytes of each lane, the first one lowest.
        (local.set $word0 (i32.load align=1 (local.get $at)))
        (local.set $word1 (i32.load align=1 (i32.add (local.get $at) (local.get $quarter))))
        (local.set $word2 (i32.load align=1 (i32.add (local.get $at) (local.get $quarter2))))
        (local.set $word3 (i32.load align=1 (i32.add (local.get $at) (local.get $quarter3))))

        ;; For each of the four: $enter = table[byte] of each lane (1020 = 4 * 255: a byte as an offset in the table),
        ;; hash = rotl(hash, 1) ^ table[leaving byte] ^ table[entering byte], and the greatest hash so far under the mask.

        ;; The first byte of each word.
        (local.set $enter (v128.load32_zero (i32.and (i32.shl (local.get $word0) (i32.const 2)) (i32.const 1020))))
        (local.set $enter (v128.load32_lane 1 (i32.and (i32.shl (local.get $word1) (i32.const 2)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 2 (i32.and (i32.shl (local.get $word2) (i32.const 2)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 3 (i32.and (i32.shl (local.get $word3) (i32.const 2)) (i32.const 1020)) (local.get $enter)))
        (local.set $hash (v128.xor
          (v128.or (i32x4.add (local.get $hash) (local.get $hash)) (i32x4.shr_u (local.get $hash) (i32.const 31)))
          (v128.xor (local.get $enter) (v128.load offset=1024 (local.get $slot)))))
        (v128.store offset=1024 (local.get $slot) (local.get $enter))
        (local.set $greatest (i32x4.max_u (local.get $greatest) (v128.and (local.get $hash) (local.get $masks))))

        ;; The second byte of each word.
        (local.set $enter (v128.load32_zero (i32.and (i32.shr_u (local.get $word0) (i32.const 6)) (i32.const 1020))))
        (local.set $enter (v128.load32_lane 1 (i32.and (i32.shr_u (local.get $word1) (i32.const 6)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 2 (i32.and (i32.shr_u (local.get $word2) (i32.const 6)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 3 (i32.and (i32.shr_u (local.get $word3) (i32.const 6)) (i32.const 1020)) (local.get $enter)))
        (local.set $hash (v128.xor
          (v128.or (i32x4.add (local.get $hash) (local.get $hash)) (i32x4.shr_u (local.get $hash) (i32.const 31)))
          (v128.xor (local.get $enter) (v128.load offset=1040 (local.get $slot)))))
        (v128.store offset=1040 (local.get $slot) (local.get $enter))
        (local.set $greatest (i32x4.max_u (local.get $greatest) (v128.and (local.get $hash) (local.get $masks))))

        ;; The third byte of each word.
        (local.set $enter (v128.load32_zero (i32.and (i32.shr_u (local.get $word0) (i32.const 14)) (i32.const 1020))))
        (local.set $enter (v128.load32_lane 1 (i32.and (i32.shr_u (local.get $word1) (i32.const 14)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 2 (i32.and (i32.shr_u (local.get $word2) (i32.const 14)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 3 (i32.and (i32.shr_u (local.get $word3) (i32.const 14)) (i32.const 1020)) (local.get $enter)))
        (local.set $hash (v128.xor
          (v128.or (i32x4.add (local.get $hash) (local.get $hash)) (i32x4.shr_u (local.get $hash) (i32.const 31)))
          (v128.xor (local.get $enter) (v128.load offset=1056 (local.get $slot)))))
        (v128.store offset=1056 (local.get $slot) (local.get $enter))
        (local.set $greatest (i32x4.max_u (local.get $greatest) (v128.and (local.get $hash) (local.get $masks))))

        ;; The fourth byte of each word.
        (local.set $enter (v128.load32_zero (i32.and (i32.shr_u (local.get $word0) (i32.const 22)) (i32.const 1020))))
        (local.set $enter (v128.load32_lane 1 (i32.and (i32.shr_u (local.get $word1) (i32.const 22)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 2 (i32.and (i32.shr_u (local.get $word2) (i32.const 22)) (i32.const 1020)) (local.get $enter)))
        (local.set $enter (v128.load32_lane 3 (i32.and (i32.shr_u (local.get $word3) (i32.const 22)) (i32.const 1020)) (local.get $enter)))
        (local.set $hash (v128.xor
          (v128.or (i32x4.add (local.get $hash) (local.get $hash)) (i32x4.shr_u (local.get $hash) (i32.const 31)))
          (v128.xor (local.get $enter) (v128.load offset=1072 (local.get $slot)))))
        (v128.store offset=1072 (local.get $slot) (local.get $enter))
        (local.set $greatest (i32x4.max_u (local.get $greatest) (v128.and (local.get $hash) (local.get $masks))))

        (local.set $slot (i32.and (i32.add (local.get $slot) (i32.const 64)) (i32.const 1023)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $stop))))
      (local.set $stop (i32.add (local.get $stop) (local.get $quarter)))
      (local.set $isWarm (i32.xor (local.get $isWarm) (i32.const 1)))
      (br_if $pass (local.get $isWarm)))

    (i32x4.bitmask (i32x4.ge_u (local.get $greatest) (i32x4.splat (i32.sub (local.get $mask) (i32.const 2)))))))
