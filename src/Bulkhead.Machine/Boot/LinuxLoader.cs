using System.Numerics;
using Bulkhead.Core.Memory;
using Bulkhead.Host;

namespace Bulkhead.Machine.Boot;

/// <summary>Starts a bzImage: at its decompressor's 64-bit entry, or unpacked already (<see cref="PayloadLoader"/>) at its own; a 32-bit
/// kernel at its decompressor's 32-bit entry.</summary>
/// <remarks><i>Source</i>: Linux Documentation/arch/x86/boot.rst, Details of Header Fields, 32-bit and 64-bit Boot Protocol.</remarks>
internal static class LinuxLoader
{
    private const int EntryOffset64 = 0x200;

    /// <summary>Loads kernel and initial RAM disk, and prepares the entry.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request)
    {
        ReadOnlySpan<byte> image = request.Kernel;
        LinuxSetupHeader header = LinuxSetupHeader.Parse(image, request.KernelName);
        ulong load = Place(memory, header, request.KernelName);
        ulong kernelEnd = load + Math.Max(header.InitSize, (uint)header.KernelLength);
        ReadOnlySpan<byte> payload = image.Slice(header.PayloadOffset, header.PayloadLength);
        bool unpacks = header.Has64BitEntry && PayloadLoader.Knows(payload);
        bool randomizes = unpacks && request.Randomize && header.Relocatable && !request.LinuxCommandLine.Split(' ').Contains("nokaslr");
        ulong entry = header.Has64BitEntry ? load + EntryOffset64 : load;
        if (unpacks)
        {
            entry = PayloadLoader.Load(memory, payload, header, load, randomizes ? ChanceOf(request) : null, request.KernelName);
        }
        else
        {
            LoaderWriter.Bytes(memory, load, image.Slice(header.KernelOffset, header.KernelLength));
        }

        ulong initrd = LoaderWriter.Initrd(memory, request.Initrd, kernelEnd, (ulong)header.InitrdAddressMax + 1);
        ReadOnlySpan<byte> setup = image[LinuxSetupHeader.Start..header.End];
        return LinuxEntry.Prepare(memory, request, setup, header.CommandLineSize, load, initrd, randomizes, header.Has64BitEntry) with { Rip = entry };
    }

    private static Func<ulong> ChanceOf(BootRequest request) =>
        request.Random is { } seeded ? seeded.Next : request.Place is { } place ? () => place : HostRandom.Next;

    private static ulong Place(GuestMemory memory, LinuxSetupHeader header, string name)
    {
        ulong size = Math.Max(header.InitSize, (uint)header.KernelLength);
        ulong preferred = header.PreferredAddress;
        if (preferred >= BootLayout.HighMemory && memory.Contains(new Gpa(preferred), size))
        {
            return preferred;
        }

        ulong alignment = header.KernelAlignment;
        if (header.Relocatable && BitOperations.IsPow2(alignment))
        {
            ulong low = (BootLayout.HighMemory + alignment - 1) & ~(alignment - 1);
            if (memory.Contains(new Gpa(low), size))
            {
                return low;
            }
        }

        throw new OperatorException(
            $"{name}: the kernel needs {size >> 20} MiB from {preferred:x}; this machine has {memory.LowSizeBytes >> 20} MiB below 4 GiB. "
            + $"Give it at least {((preferred + size) >> 20) + 16} MiB.");
    }
}
