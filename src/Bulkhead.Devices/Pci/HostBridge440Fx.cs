using System.Buffers.Binary;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The host bridge of an Intel 440FX; its device-specific registers are memory.</summary>
/// <remarks>
/// Those that attribute memory (59h-5Fh) have an effect where firmware runs: RAM from C0000h to 1 MiB takes writes where they allow it.
/// It is read in any case: the ROM's copy is there from the start.
/// <i>Source</i>: Intel 82441FX (PMC) Datasheet, 3.2.18 PAM-Programmable Attribute Map Registers.
/// </remarks>
internal sealed class HostBridge440Fx : IPciFunction
{
    private const int OfDevice = 0x40;
    private const int Subsystem = 0x2C;
    private const int Pam0 = 0x59;
    private const int PamEnd = 0x60;
    private const int WriteEnable = 2;

    private readonly byte[] _config = new byte[256];
    private readonly Action<ushort>? _protect;

    /// <summary>A bridge as reset leaves it.</summary>
    /// <param name="protect">Told which 16 KiB from C0000h on take no writes, a bit for each; null where no firmware runs.</param>
    public HostBridge440Fx(Action<ushort>? protect = null)
    {
        ReadOnlySpan<byte> header = [0x86, 0x80, 0x37, 0x12, 0x06, 0x00, 0x80, 0x02, 0x02, 0x00, 0x00, 0x06];
        header.CopyTo(_config);
        _protect = protect;
        if (protect is not null)
        {
            // By which firmware knows that this is no board of 1996, and whom to ask for the rest.
            BinaryPrimitives.WriteUInt32LittleEndian(_config.AsSpan(Subsystem), 0x1100_1AF4);
            FollowPam();
        }
    }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.AsSpan(offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void Save(StateWriter writer) => writer.Write(_config.AsSpan(OfDevice));

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        reader.Read(_config.AsSpan(OfDevice));
        FollowPam();
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset >= OfDevice)
        {
            data.CopyTo(_config.AsSpan(offset));
            if (offset < PamEnd && offset + data.Length > Pam0)
            {
                FollowPam();
            }
        }
    }

    // PAM0's upper half is for the 64 KiB from F0000h on; then each half is for 16 KiB from C0000h on.
    private void FollowPam()
    {
        int writable = Allows(Pam0, 4) ? 0xF000 : 0;
        for (int unit = 0; unit < 12; unit++)
        {
            writable |= Allows(Pam0 + 1 + (unit / 2), 4 * (unit & 1)) ? 1 << unit : 0;
        }

        _protect?.Invoke((ushort)~writable);
    }

    private bool Allows(int register, int shift) => ((_config[register] >> shift) & WriteEnable) != 0;
}
