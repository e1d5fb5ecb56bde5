using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Firmware;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Firmware;

/// <summary>Firmware of a few instructions of 16-bit code at F000:0000, on the real engine; it ends with the status it writes to port F4h.</summary>
internal static class TinyFirmware
{
    /// <summary>The size of its ROM.</summary>
    internal const int RomBytes = 64 << 10;

    /// <summary>The machine's RAM.</summary>
    internal const uint RamBytes = 64 << 20;

    private const int ResetVector = 0xFFF0;
    private const int LongestMs = 120_000;

    /// <summary>Runs it; the answer is what it wrote to port F4h.</summary>
    /// <param name="code">Its code.</param>
    /// <param name="routine">More code.</param>
    /// <param name="at">Where that is.</param>
    internal static int Run(Action<Assembler> code, Action<Assembler> routine, int at)
    {
        byte[] rom = new byte[RomBytes];
        Assemble(code, 0).CopyTo(rom, 0);
        Assemble(routine, (ulong)at).CopyTo(rom, at);
        ReadOnlySpan<byte> jump = [0xEA, 0x00, 0x00, 0x00, 0xF0]; // far, to F000:0000
        jump.CopyTo(rom.AsSpan(ResetVector));

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, rom);
            DomainResult result = Run(path);
            return (result.ExitCode & 1) != 0 && result.Message == "debug exit" ? result.ExitCode >> 1 : throw new InvalidOperationException(result.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Ends with a status.</summary>
    internal static void Exit(this Assembler c, byte status)
    {
        c.mov(al, status);
        c.@out(0xF4, al);
        c.hlt();
    }

    /// <summary>Ends with the number of what failed where two values differ.</summary>
    internal static void ExitUnlessEqual(this Assembler c, byte status)
    {
        Label equal = c.CreateLabel();
        c.je(equal);
        c.Exit(status);
        c.Label(ref equal);
    }

    /// <summary>Writes a byte to a port.</summary>
    internal static void Out(this Assembler c, ushort port, byte value)
    {
        c.mov(dx, port);
        c.mov(al, value);
        c.@out(dx, al);
    }

    /// <summary>Writes four bytes to a port.</summary>
    internal static void Out32(this Assembler c, ushort port, uint value)
    {
        c.mov(dx, port);
        c.mov(eax, value);
        c.@out(dx, eax);
    }

    private static byte[] Assemble(Action<Assembler> code, ulong at)
    {
        var assembler = new Assembler(16);
        code(assembler);
        assembler.nop();
        using var bytes = new MemoryStream();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }

    private static DomainResult Run(string path)
    {
        using TranslatorEngines engines = TranslatorEngines.Create("verify=on");
        var domain = new DomainRequest
        {
            Name = "firmware", Firmware = new FirmwareRequest { Path = path }, MemoryBytes = RamBytes, DebugExit = true,
        };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
        runner.Start();
        if (!runner.Wait(LongestMs))
        {
            runner.Stop(-1, "too long");
            _ = runner.Wait();
        }

        return runner.Results()[0];
    }
}
