/**
 * The scheduler's heartbeats to one TaskManager whose slots it holds. Beats go out on a fixed rhythm, each on its own; the
 * answers are compared with what the job believes (see reconciliation).
 *
 * TL1  After `stop` or a loss nothing is reported any more.
 */
import { BusError, type Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import type { LeaderEpoch, SessionId, TaskManagerId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { HeartbeatMonitor } from '../runtime/heartbeat-monitor.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import { Reconciliation, type Beliefs, type Findings } from './reconciliation.js';

export interface TaskManagerLinkOptions {
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly clock: Clock;
  readonly heartbeat: HeartbeatMonitorInput;
  readonly heartbeatBody: () => MessageBody<'scheduler.heartbeat'>;
  readonly beliefs: () => Beliefs;
  readonly onFindings: (findings: Findings) => void;
  /** The TaskManager does not answer, or (`isReplaced`) another process has its name now. Called at most once. */
  readonly onLost: (reason: string, isReplaced: boolean) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

export class TaskManagerLink {
  readonly #options: TaskManagerLinkOptions;
  readonly #monitor: HeartbeatMonitor;
  readonly #reconciliation = new Reconciliation();
  #beat = 0;
  #isStopped = false;

  constructor(options: TaskManagerLinkOptions) {
    this.#options = options;
    this.#monitor = new HeartbeatMonitor({
      ...options.heartbeat,
      name: `task-manager.${options.taskManagerId}`,
      clock: options.clock,
      bus: options.bus,
      send: () => this.#send(),
      onLost: (reason) =>
        this.#lose(reason === 'timeout' ? `did not answer for ${options.heartbeat.timeoutMs} ms` : 'is not there any more', false),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: options.onEffectFailed,
    });
  }

  get sessionId(): SessionId {
    return this.#options.sessionId;
  }

  /** What is confirmed now is covered by beats from this one on. */
  get nextBeat(): number {
    return this.#beat;
  }

  stop(): void {
    this.#isStopped = true;
    this.#monitor.stop();
  }

  #send(): void {
    const { endpoint, taskManagerId, leaderEpoch, heartbeat, heartbeatBody } = this.#options;
    const beat = this.#beat++;
    endpoint
      .ask({ kind: 'task-manager', taskManagerId }, 'scheduler.heartbeat', heartbeatBody(), { timeoutMs: heartbeat.timeoutMs, leaderEpoch })
      .then(
        (answer) => {
          if (this.#isStopped) return;
          this.#monitor.received();
          if (answer.sessionId !== this.#options.sessionId) {
            this.#lose('was started again', true);
            return;
          }
          const findings = this.#reconciliation.compare(beat, this.#options.beliefs(), answer);
          if (findings !== undefined) this.#options.onFindings(findings);
        },
        (error: unknown) => {
          if (!this.#isStopped && error instanceof BusError && error.failure === 'no-responders') this.#monitor.noResponders();
        },
      );
  }

  #lose(reason: string, isReplaced: boolean): void {
    if (this.#isStopped) return;
    this.stop();
    this.#options.onLost(reason, isReplaced);
  }
}
