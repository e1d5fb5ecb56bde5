using System.Diagnostics;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Executors;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Smbios;
using Bulkhead.Machine.Time;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.Machine;

/// <summary>Makes a domain from a request: RAM, board, tables, kernel.</summary>
internal static class DomainBuilder
{
    private const ulong LeastMemory = 4ul << 20;
    private const int MostVcpus = 64;

    /// <summary>Makes a domain that is off; the caller disposes it.</summary>
    internal static Domain Build(
        DomainRequest request, EngineSeam engine, DomainTime time, DomainLinks links, Action<Action>? control, Lingering? lingering)
    {
        Check(request);
        DomainDevices? devices = null;
        FirmwareImage? firmware = null;
        return new Domain(request.Name, request.Vcpus, time.Clock, PowerUp, control, Assemble);

        void Assemble(Domain d)
        {
            devices = DomainDevices.Open(request, links, RandomOf(time), immediate: time.Clock is not RealClock, lingering, d.Note);
            d.Owned.Add(devices);
            if (request.Firmware is not null)
            {
                firmware = FirmwareImage.Open(
                    request.Firmware, () => time.Clock is RealClock ? new ThreadExecutor($"flash {request.Name}") : new ImmediateExecutor());
                firmware.Variables?.Failed += e => d.Note(
                    $"{request.Name}: firmware variables {request.Firmware.VariablesPath} cannot be written: {e.Message} What the firmware changes is lost when the domain ends; mend that and start it again.");
                d.Owned.Add(firmware);
            }

            IEnumerable<(SharedMemory Memory, bool ReadOnly)> shared = links.Channels.Select(static m => (m.Channel.Memory, !m.MayWrite));
            var memory = new GuestMemory(
                request.Name, request.MemoryBytes, firmware?.Rom, [.. shared, .. devices.Frame is { } frame ? [(frame, false)] : (ReadOnlySpan<(SharedMemory, bool)>)[]]);
            d.Owned.Add(new Release(() => engine.Release?.Invoke(memory)));
            d.Owned.Add(memory);
            d.Memory = memory;
            int physicalBits = firmware is null ? PageWalker.PhysicalBits : FirmwareBoard.PhysicalBits(request.MemoryBytes);
            d.Attach(slot => engine.CreateVcpu(new VcpuRequest(request.Name, slot.Index, request.Vcpus, memory, time.Clock, request.CpuModel, physicalBits, ImageOf(request))));
        }

        void PowerUp(Domain d)
        {
            GuestMemory memory = d.Memory ?? throw new UnreachableException("A domain without RAM was powered up.");
            d.Board?.Dispose();
            d.Board = null;
            BootState? state = null;
            if (firmware is not null)
            {
                firmware.Shadow(memory);
                d.Board = new Board(d, request.Serial, time.UtcNs, request.DebugExit, devices, new FirmwareBoard(memory, request, firmware));
            }
            else
            {
                state = LoadKernel(d, memory);
            }

            foreach (VcpuSlot slot in d.Slots)
            {
                slot.Vcpu.Reset();
                ref Registers registers = ref slot.Vcpu.Registers;
                registers.TscOffset = time.TscOffset;
                if (slot.Index == 0)
                {
                    state?.Apply(ref registers);
                }
                else
                {
                    registers.Activity = (byte)ActivityState.WaitForSipi;
                }
            }
        }

        // The files are read again at a reset rather than kept.
        BootState LoadKernel(Domain d, GuestMemory memory)
        {
            string path = request.KernelPath ?? throw new UnreachableException("A domain without kernel and firmware was powered up.");
            using FileBytes kernel = ReadFile(path, "kernel");
            using FileBytes initrd = request.InitrdPath is null ? FileBytes.None : ReadFile(request.InitrdPath, "initial RAM disk");
            using var modules = new ModuleFiles();
            foreach (ModuleRequest module in request.Modules)
            {
                modules.Files.Add(new BootModule(module.Path, module.Words, ReadFile(module.Path, "module")));
            }

            d.Board = new Board(d, request.Serial, time.UtcNs, request.DebugExit, devices);
            Gpa rsdp = AcpiTables.Write(memory, request.Vcpus, request.Disks.Count(static disk => disk.Mmio), keyboard: request.Display is not null);
            SmbiosTables.Write(memory, request.ToSmbios(memory));
            return KernelImage.Load(memory, new BootRequest
            {
                KernelName = path,
                Kernel = kernel.Span,
                Initrd = initrd.Span,
                Modules = modules.Files,
                LinuxWords = request.AllLinuxWords,
                CommandLine = request.CommandLine,
                Screen = d.Board.Screen,
                Rsdp = rsdp,
                Randomize = time.Clock is RealClock || time.Random is not null,
                Random = time.Random,
                Place = engine.ChanceOf?.Invoke(memory),
            });
        }
    }

    /// <summary>Without the host's time there is nothing of the host's chance, seed or no seed.</summary>
    private static SeededRandom? RandomOf(DomainTime time) => time.Clock is RealClock ? null : time.Random ?? new SeededRandom(0, 0);

    /// <summary>The file that what a domain runs comes from.</summary>
    private static string? ImageOf(DomainRequest request) =>
        (request.KernelPath ?? request.Disks.Select(static d => d.Path).FirstOrDefault()) is { } path ? Path.GetFullPath(path) : null;

    private static void Check(DomainRequest request)
    {
        if (request.MemoryBytes < LeastMemory || request.MemoryBytes % 4096 != 0)
        {
            throw new OperatorException(
                $"{request.Name}: {request.MemoryBytes} bytes of memory; give at least {LeastMemory >> 20} MiB, in whole 4 KiB pages.", 2);
        }

        if (request.Vcpus is < 1 or > MostVcpus)
        {
            throw new OperatorException($"{request.Name}: {request.Vcpus} vCPUs; give 1 to {MostVcpus}.", 2);
        }

        if (request.Firmware is not null && DiskRequest.AreForKernels(request.Disks))
        {
            throw new OperatorException($"{request.Name}: firmware has no disk to start: those with bus mmio are for kernels; put one on pci.", 2);
        }

        if (request.Disks.Count(static disk => disk.Mmio) > AcpiLayout.MostVirtioWindows)
        {
            throw new OperatorException(
                $"{request.Name}: at most {AcpiLayout.MostVirtioWindows} disks can have bus mmio; put the others on pci.", 2);
        }
    }

    private sealed class ModuleFiles : IDisposable
    {
        public List<BootModule> Files { get; } = [];

        public void Dispose() => Files.ForEach(static file => file.Bytes.Dispose());
    }

    private sealed class Release(Action action) : IDisposable
    {
        public void Dispose() => action();
    }

    private static FileBytes ReadFile(string path, string what)
    {
        try
        {
            return FileBytes.Read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The {what} cannot be read: {e.Message}", 2);
        }
    }
}
