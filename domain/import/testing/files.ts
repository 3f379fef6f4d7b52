/** Configurations as people of these tools write them. */

export const LLAMA_FACTORY = `### model
model_name_or_path: meta-llama/Meta-Llama-3-8B-Instruct
trust_remote_code: true
quantization_bit: 4
double_quantization: true

### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all

### dataset
dataset: identity,alpaca_en_demo
template: llama3
cutoff_len: 2048
max_samples: 1000
overwrite_cache: true
preprocessing_num_workers: 16

### output
output_dir: saves/llama3-8b/lora/sft
logging_steps: 10
save_steps: 500
plot_loss: true

### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000

### eval
val_size: 0.1
per_device_eval_batch_size: 1
eval_strategy: steps
eval_steps: 500
`;

export const AXOLOTL = `base_model: NousResearch/Llama-2-7b-hf
model_type: LlamaForCausalLM
load_in_8bit: true
load_in_4bit: false
strict: false

chat_template: chatml
datasets:
  - path: mhenrichsen/alpaca_2k_test
    type: alpaca
  - path: data/more.jsonl
    type: completion
dataset_prepared_path:
val_set_size: 0.05
output_dir: ./outputs/lora-out

sequence_len: 4096
sample_packing: true
pad_to_sequence_len: true

adapter: lora
lora_model_dir:
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true

wandb_project:
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 4
max_steps: 200
optimizer: adamw_bnb_8bit
lr_scheduler: cosine
learning_rate: 0.0002
train_on_inputs: false
bf16: auto
tf32: false
gradient_checkpointing: true
flash_attention: true
warmup_ratio: 0.1
evals_per_epoch: 4
saves_per_epoch: 1
weight_decay: 0.0
`;

export const TRL = `model_name_or_path: Qwen/Qwen2.5-0.5B
dataset_name: trl-lib/Capybara
dataset_train_split: train
learning_rate: 2.0e-5
max_steps: 1000
per_device_train_batch_size: 2
gradient_accumulation_steps: 8
gradient_checkpointing: true
max_length: 1024
packing: true
bf16: true
optim: paged_adamw_32bit
max_grad_norm: 0
warmup_ratio: 0.03
lr_scheduler_type: cosine_with_restarts
assistant_only_loss: true
logging_steps: 25
output_dir: Qwen2.5-0.5B-SFT
push_to_hub: true
seed: 7
`;

export const KATIB = `apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata:
  namespace: kubeflow
  name: llama-lora
spec:
  objective:
    type: minimize
    goal: 0.5
    objectiveMetricName: eval_loss
  algorithm:
    algorithmName: bayesianoptimization
  earlyStopping:
    algorithmName: medianstop
  parallelTrialCount: 3
  maxTrialCount: 12
  maxFailedTrialCount: 3
  parameters:
    - name: lr
      parameterType: double
      feasibleSpace: { min: "1e-5", max: "1e-3", distribution: logUniform }
    - name: rank
      parameterType: categorical
      feasibleSpace: { list: ["8", "16", "32"] }
    - name: num-layers
      parameterType: int
      feasibleSpace: { min: "2", max: "5" }
  trialTemplate:
    primaryContainerName: training-container
    trialParameters:
      - { name: learningRate, description: Learning rate, reference: lr }
      - { name: loraRank, description: Rank, reference: rank }
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            containers:
              - name: training-container
                image: docker.io/acme/finetune:latest
                command:
                  - python
                  - /opt/train.py
                  - --model_name_or_path=meta-llama/Llama-3.2-1B
                  - --dataset_name
                  - tatsu-lab/alpaca
                  - --use_peft
                  - --max_steps=200
                  - --learning_rate=\${trialParameters.learningRate}
                  - --lora_r=\${trialParameters.loraRank}
                resources:
                  limits: { nvidia.com/gpu: 1 }
            restartPolicy: Never
`;

export const WANDB = `program: train.py
project: finetune
method: bayes
metric:
  name: eval/loss
  goal: minimize
run_cap: 30
early_terminate:
  type: hyperband
  min_iter: 3
  s: 2
parameters:
  learning_rate:
    distribution: log_uniform_values
    min: 0.00001
    max: 0.001
  batch_size:
    values: [4, 8, 16]
  optimizer:
    values: ["adam", "sgd"]
  dropout:
    min: 0.0
    max: 0.3
  fc_layer_size:
    values: [128, 256]
  model_name_or_path:
    value: Qwen/Qwen2.5-0.5B
  max_steps:
    value: 300
`;

export const WANDB_GRID = `method: grid
parameters:
  lr: { values: [0.0001, 0.0003] }
  seed: { values: [1, 2, 3] }
`;
