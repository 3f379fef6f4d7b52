/** Mistral 7B on one, two and four A100 80 GB, by two counters each: allocated, and nvidia-smi. */
import type { MemorySettings } from '../settings.ts';
import { ATTENTION, type Publication, type Row, rows } from './publication.ts';

const WITHOUT_DROPOUT = { rank: 16, targets: ATTENTION, dropout: 0, bytes: 4 } as const;
const ADAPTERS = { method: 'lora', lora: { ...WITHOUT_DROPOUT, dropout: 0.1 } } as const;
const QUANTIZED = { ...ADAPTERS, method: 'qlora', autocast: true } as const;
const BNB = { ...QUANTIZED, precision: 'nf4-dq' } as const;
const GPTQ = { ...QUANTIZED, precision: 'gptq', computeDtype: 'fp16' } as const;
const FUSED = { autocast: true, logits: 'fused' } as const;

/** What CUDA reports of the card. */
const A100_BYTES = 85_100_000_000;

/** GPUs, micro-batch, peak allocated and nvidia-smi, bytes; null: it ran out of the card's memory. */
type Measured = readonly [gpus: number, microBatch: number, allocated: number | null, process: number | null];

interface Framework {
  readonly id: string;
  readonly settings: Partial<MemorySettings>;
  readonly measured: readonly Measured[];
}

const FRAMEWORKS: readonly Framework[] = [
  {
    id: 'none-full',
    settings: { foreach: true },
    measured: [
      [1, 4, 72_434_837_504, 81_008_787_456],
      [2, 2, 36_225_939_968, 46_537_900_032],
      [1, 8, 72_435_230_720, 76_533_465_088],
      [2, 4, 36_226_136_576, 56_190_042_112],
    ],
  },
  {
    id: 'none-lora',
    settings: ADAPTERS,
    measured: [
      [1, 4, 26_704_571_904, 31_012_683_776],
      [2, 2, 15_144_870_400, 19_585_302_528],
      [1, 8, 38_742_912_512, 45_332_037_632],
      [2, 4, 21_959_827_968, 27_606_908_928],
    ],
  },
  {
    id: 'baseline-peft-bnb-lora',
    settings: { ...BNB, kbitPreparation: true },
    measured: [
      [1, 4, 20_669_338_112, 27_321_696_256],
      [2, 2, 9_424_594_432, 13_803_454_464],
      [1, 8, 37_002_646_016, 48_286_924_800],
      [2, 4, 15_970_067_968, 22_210_936_832],
    ],
  },
  {
    id: 'peft-bnb-lora',
    settings: BNB,
    measured: [
      [1, 4, 16_373_838_336, 20_879_245_312],
      [2, 2, 9_424_594_432, 13_929_283_584],
      [1, 8, 28_412_178_944, 35_668_361_216],
      [2, 4, 15_970_067_968, 22_333_620_224],
    ],
  },
  {
    id: 'peft-autogptq-lora',
    settings: GPTQ,
    measured: [
      [1, 4, 16_404_148_736, 20_982_005_760],
      [2, 2, 9_442_125_824, 15_610_150_912],
      [1, 8, 28_442_489_344, 35_502_686_208],
      [2, 4, 15_987_599_360, 24_141_365_248],
    ],
  },
  {
    id: 'foak-liger-lora',
    settings: { ...ADAPTERS, ...FUSED },
    measured: [
      [1, 4, 23_530_188_288, 24_990_711_808],
      [1, 8, 32_393_276_928, 34_520_170_496],
      [1, 16, 50_119_454_208, 53_581_185_024],
      [1, 32, null, null],
      [2, 4, 21_219_418_112, 25_575_817_216],
      [2, 8, 34_109_038_592, 40_473_985_024],
      [2, 16, 59_888_279_552, 70_379_372_544],
      [2, 32, null, null],
      [4, 4, 17_544_448_000, 22_338_863_104],
      [4, 8, 30_434_068_480, 37_277_925_376],
      [4, 16, 56_213_309_440, 66_805_825_536],
      [4, 32, null, null],
    ],
  },
  {
    id: 'peft-bnb-foak-liger-lora',
    settings: { ...BNB, ...FUSED, lora: WITHOUT_DROPOUT },
    measured: [
      [1, 4, 13_035_024_896, 14_859_370_496],
      [1, 8, 21_761_798_656, 24_455_938_048],
      [1, 16, 39_215_346_176, 43_917_508_608],
      [1, 32, 74_122_441_216, 82_842_746_880],
      [2, 4, 15_685_985_280, 20_932_722_688],
      [2, 8, 28_439_290_880, 35_737_567_232],
      [2, 16, 53_945_902_080, 64_728_596_480],
      [2, 32, null, null],
      [4, 4, 14_682_360_832, 20_754_989_056],
      [4, 8, 27_435_666_432, 35_578_183_680],
      [4, 16, 52_942_277_632, 64_632_651_776],
      [4, 32, null, null],
    ],
  },
  {
    id: 'peft-autogptq-foak-liger-lora',
    settings: { ...GPTQ, ...FUSED, lora: WITHOUT_DROPOUT },
    measured: [
      [1, 4, 13_065_335_808, 14_926_479_360],
      [1, 8, 21_792_109_568, 24_858_591_232],
      [1, 16, 39_245_657_088, 44_454_379_520],
      [1, 32, 74_152_752_128, 83_379_617_792],
      [2, 4, 15_703_516_672, 21_750_611_968],
      [2, 8, 28_456_822_272, 36_581_670_912],
      [2, 16, 53_963_433_472, 65_516_077_056],
      [2, 32, null, null],
      [4, 4, 14_693_076_480, 22_641_377_280],
      [4, 8, 27_446_382_080, 37_568_905_216],
      [4, 16, 52_952_993_280, 66_540_535_808],
      [4, 32, null, null],
    ],
  },
  {
    id: 'foak-liger-full',
    settings: { ...FUSED, precision: 'fp32', foreach: true },
    measured: [
      [2, 4, 72_434_853_888, 82_052_120_576],
      [2, 8, 72_435_247_104, 83_789_611_008],
      [2, 16, null, null],
      [2, 32, null, null],
      [4, 4, 36_226_152_448, 50_015_502_336],
      [4, 8, 39_732_781_056, 58_510_016_512],
      [4, 16, 56_381_022_208, 74_989_436_928],
      [4, 32, null, null],
    ],
  },
];

/** Without k-bit preparation FSDP trains what the rows on one GPU prepare. */
function rowsOf({ id, settings, measured }: Framework): readonly Row[] {
  return measured.flatMap(([shards, microBatch, allocated, process]): Row[] => {
    const name = `fms-${id}-n${shards}-b${microBatch}`;
    const kbitPreparation = settings.kbitPreparation === true && shards === 1;
    const ran = { ...settings, kbitPreparation, shards, microBatch };
    const common = { when: 'peak' as const, settings: ran };
    if (allocated === null || process === null) {
      const notJudged = 'it ran out of memory: at least this much was needed';
      return [{ ...common, id: `${name}-oom`, counter: 'process', measuredBytes: A100_BYTES, notJudged }];
    }
    return [
      { ...common, id: name, counter: 'allocated', measuredBytes: allocated },
      { ...common, id: `${name}-nvidia-smi`, counter: 'process', measuredBytes: process },
    ];
  });
}

export const FMS: readonly Publication[] = rows(
  'foundation-model-stack/fms-acceleration, scripts/benchmarks/refs/a100_80gb.csv',
  'mistralai/Mistral-7B',
  { longest: 4096, mean: 4096, checkpointing: true, attention: 'flash', attentionMask: false, sharding: 'fsdp1' },
  FRAMEWORKS.flatMap(rowsOf),
);
