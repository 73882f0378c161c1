"""A real Slurm on this machine, on loopback, for the length of a `with` block.

munged, slurmctld and slurmd run as the user who runs the tests, with every file below one folder.
The two GPUs are links to /dev/null: Slurm hands them out by number as it does real ones.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "srun",
    "squeue",
    "scancel",
    "scontrol",
    "ss",
)
INSTALL = "apt-get install --no-install-recommends slurmctld slurmd slurm-client munge iproute2"
CPUS, MEMORY_MB, GPUS = 8, 24000, 2

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A job that goes back to the queue waits until the credentials of its first start have expired.
AuthInfo=socket={root}/run/munge.sock,cred_expire=15
CredType=cred/munge
# Nothing listens beyond loopback.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Memory is measured every second; a job above its request is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
PlugStackConfig={root}/etc/plugstack.conf
MailProg=/bin/true
ReturnToService=2
# The node may claim more processors than the machine has.
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=5,default_queue_depth=100
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
MinJobAge=600
# A node that is not heard of for this long is lost; the default, 300 s, is slow for a test.
SlurmdTimeout=10
KillWait=2
GresTypes=gpu
# A job of `urgent` sends the jobs of `main` back to the queue: SIGTERM, then SIGKILL.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} \
Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=UNLIMITED DefaultTime=5 State=UP \
PriorityTier=1 GraceTime=2
PartitionName=urgent Nodes={host} MaxTime=60 DefaultTime=5 State=UP PriorityTier=9 PreemptMode=OFF
"""
GRES_CONF = """
AutoDetect=off
NodeName={host} Name=gpu Flags=nvidia_gpu_env File={root}/gpu/gpu[0-{last_gpu}]
"""
# Snakemake's job step drops every SLURM_* variable before its own srun, which then would not find
# this Slurm.
SRUN = '#!/bin/sh\nSLURM_CONF="${{TEST_SLURM_CONF:?}}" exec {srun} "$@"\n'


def missing_programs() -> list[str]:
    """Return which of Slurm's programs are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_search_path()) is None]


class Slurm:
    """A running cluster of one node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = socket.gethostname().split(".")[0]
        self.conf = root / "etc" / "slurm.conf"
        self.environment = os.environ | {
            "SLURM_CONF": str(self.conf),
            "TEST_SLURM_CONF": str(self.conf),
            "PATH": f"{root / 'bin'}{os.pathsep}{_search_path()}",
        }

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def jobs(self) -> dict[int, tuple[str, str]]:
        """Return state and comment (rule and wildcards) of every job that Slurm remembers."""
        lines = self.run("squeue", "--noheader", "--states=all", "--format=%A|%T|%k").splitlines()
        fields = (line.split("|", 2) for line in lines)
        return {int(number): (state, comment) for number, state, comment in fields}

    def running(self, comment: str) -> list[int]:
        """Return the running jobs whose comment holds a text."""
        return [
            n for n, (state, text) in self.jobs().items() if state == "RUNNING" and comment in text
        ]

    def detail(self, job: int) -> str:
        """Return all that Slurm knows of a job."""
        return self.run("scontrol", "show", "job", str(job))

    def wait_for(self, condition, seconds: float, what: str):
        """Return what a condition returns once it is true; fail when it never is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.3)
        raise AssertionError(f"{what}: not within {seconds:g} s\n{self.jobs()}")

    def start_controller(self, clean: bool = False) -> None:
        """Start slurmctld; `clean` forgets the jobs of before."""
        self._start("slurmctld", "-f", str(self.conf), *(["-c"] if clean else []))

    def start_node(self, clean: bool = False) -> None:
        """Start slurmd and wait until jobs can run."""
        self._start("slurmd", "-f", str(self.conf), *(["-c"] if clean else []))
        self.wait_for(self.is_up, 60, "a node that takes jobs")

    def is_up(self) -> bool:
        state = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=self.environment, capture_output=True, text=True
        ).stdout.split()
        return bool(state) and state[0] in ("idle", "mixed", "allocated")

    def stop(self, daemon: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop munged, slurmctld or slurmd by its pid file, if the process is what it says."""
        pid_file = self.root / "run" / f"{daemon}.pid"
        try:
            pid = int(pid_file.read_text())
            # The name is cut at 15 letters by the kernel.
            if Path(f"/proc/{pid}/comm").read_text().strip() != daemon:
                return
        except (OSError, ValueError):
            return
        os.kill(pid, how)
        deadline = time.monotonic() + 20
        while _is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _is_alive(pid):
            os.kill(pid, signal.SIGKILL)

    def lose_node(self) -> None:
        """Let the node vanish: slurmd and every process of its jobs end at once."""
        self.stop("slurmd", signal.SIGKILL)
        for process in self.processes():
            pid, command = process.split(" ", 1)
            if not any(name in command for name in ("slurmctld", "munged", "sbatch")):
                self._kill_job_process(int(pid))

    def _kill_job_process(self, pid: int) -> None:
        try:
            in_job = b"\0SLURM_JOB_ID=" in Path(f"/proc/{pid}/environ").read_bytes()
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if in_job or name == "slurmstepd":
                os.kill(pid, signal.SIGKILL)
        except OSError:
            return  # it has ended meanwhile

    def listeners(self) -> list[str]:
        """Return the addresses that this cluster's daemons and job steps listen on."""
        lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout.splitlines()
        ours = [line for line in lines if any(name in line for name in ("slurm", "srun", "munge"))]
        return [line.split()[3] for line in ours]

    def peers(self) -> list[str]:
        """Return the addresses that Slurm's processes are connected with."""
        lines = subprocess.run(["ss", "-Htnp"], capture_output=True, text=True).stdout.splitlines()
        ours = [line for line in lines if any(name in line for name in ("slurm", "srun", "munge"))]
        return [line.split()[4] for line in ours]

    def processes(self) -> list[str]:
        """Return the command lines of the processes that know this cluster's folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            if int(folder.name) == os.getpid():
                continue
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if command and (str(self.root) in command or os.fsencode(self.conf) in environment):
                found.append(f"{folder.name} {command}")
        return found

    def _start(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [shutil.which(program, path=_search_path()), *arguments],
            env=self.environment,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=(self.root / "log" / f"{program}.out").open("a"),
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        assert done.returncode == 0, (self.root / "log" / f"{program}.out").read_text()


@contextmanager
def one_machine_slurm(root: Path) -> Iterator[Slurm]:
    """Start a cluster below a folder (a short path: munge's socket is there), and stop it.

    Also on SIGTERM, which would end this process and leave the daemons.
    """
    earlier = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for name in ("bin", "etc", "run", "state", "spool", "log", "gpu"):
        (root / name).mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)  # munged requires folders that only their owner can write to
    slurm = Slurm(root)
    controller_port, node_port = _free_ports(2)
    values = {
        "host": slurm.host,
        "root": root,
        "user": _user(),
        "controller_port": controller_port,
        "node_port": node_port,
        "cpus": CPUS,
        "memory_mb": MEMORY_MB,
        "gpus": GPUS,
        "last_gpu": GPUS - 1,
        "srun": shutil.which("srun", path=_search_path()),
    }
    slurm.conf.write_text(SLURM_CONF.format(**values))
    (root / "etc" / "gres.conf").write_text(GRES_CONF.format(**values))
    (root / "etc" / "plugstack.conf").write_text("")
    for number in range(GPUS):
        (root / "gpu" / f"gpu{number}").symlink_to("/dev/null")
    shim = root / "bin" / "srun"
    shim.write_text(SRUN.format(**values))
    shim.chmod(0o755)
    key = root / "etc" / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    try:
        slurm._start(
            "munged",
            *("--key-file", str(key)),
            *("--socket", str(root / "run" / "munge.sock")),
            *("--pid-file", str(root / "run" / "munged.pid")),
            *("--log-file", str(root / "log" / "munged.log")),
            *("--seed-file", str(root / "run" / "munged.seed")),
        )
        slurm.start_controller(clean=True)
        slurm.start_node(clean=True)
        yield slurm
    finally:
        _end_jobs(slurm)
        for daemon in ("slurmd", "slurmctld", "munged"):
            slurm.stop(daemon)
        signal.signal(signal.SIGTERM, earlier)


def _end_jobs(slurm: Slurm) -> None:
    """Cancel all jobs and wait until their processes are gone."""
    cancel = ["scancel", "--user", _user()]
    subprocess.run(cancel, env=slurm.environment, capture_output=True, timeout=60)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any("slurmstepd" in process for process in slurm.processes()):
            return
        time.sleep(0.3)


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def _search_path() -> str:
    """Return PATH with the folders of daemons, which an ordinary user's lacks."""
    return os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
